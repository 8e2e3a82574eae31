#!/bin/sh
# Builds the console into entrypoints/console_files, if its sources have changed since.
#
# `build_console.sh optional` goes on without it, in words, where it cannot be built.
set -eu

built=entrypoints/console_files
page=$built/index.html
installed=console/node_modules/.installed

give_up() {
    echo "Console: $1"
    [ "${optional:-}" = optional ] || exit 1
    exit 0
}

optional=${1:-}
command -v npm >/dev/null && command -v node >/dev/null ||
    give_up "not built, as there is no npm here: install Node.js 20, then run \`make console\`."
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] ||
    give_up "not built, as Node.js here is $(node --version): install 20 or newer, then run \`make console\`."

# Two builds at a time would remove each other's files.
mkdir -p .cache
if command -v flock >/dev/null; then
    exec 9>.cache/console.lock
    flock 9
fi

if [ -f "$page" ] && [ -z "$(find console -name node_modules -prune -o -type f -newer "$page" -print | head -n 1)" ]; then
    exit 0
fi
if [ ! -f "$installed" ] || [ console/package-lock.json -nt "$installed" ]; then
    echo "Console: installing its packages and building it (about half a minute, once) ..."
    (cd console && npm ci --silent) || give_up "its packages cannot be installed; \`make console\` tries again."
    touch "$installed"
fi
(cd console && npm run --silent build -- --logLevel warn) ||
    give_up "cannot be built; the lines above say why."
