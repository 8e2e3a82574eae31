#!/usr/bin/env bash
# Does what a newcomer does: clones, types `make run`, pastes the curl line that it prints, and
# presses Ctrl-C. Nothing of this machine's home or caches is used but Python and make.
set -euo pipefail

folder=$(mktemp -d)
runner=

# Everything that runs in the clone, however it was started.
left_behind() {
    local process
    for process in /proc/[0-9]*; do
        if [[ $(readlink "$process/cwd" 2>/dev/null) == "$folder"/* ]]; then
            printf '%s: %s\n' "${process#/proc/}" "$(tr '\0' ' ' <"$process/cmdline" 2>/dev/null)"
        fi
    done
}

clean_up() {
    if [ -n "$runner" ]; then
        kill -KILL -- "-$runner" 2>/dev/null || true
        left_behind | cut -d: -f1 | xargs -r kill -KILL 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT

git clone --quiet . "$folder/clone"
mkdir "$folder/home"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')

# How this machine reaches its package indexes is the machine's business: those variables stay.
kept=()
while IFS= read -r name; do
    kept+=("$name=${!name}")
done < <(compgen -e | grep -E '^(PIP_.*|npm_config_.*|SSL_CERT_(FILE|DIR)|(https?|no)_proxy|(HTTPS?|NO)_PROXY)$')

# In a session of its own, as in a terminal: Ctrl-C goes to make and to all that it started.
(
    cd "$folder/clone"
    exec env -i HOME="$folder/home" PATH="$PATH" PORT="$port" "${kept[@]}" \
        setsid make run >"$folder/output" 2>&1
) &
runner=$!
for _ in $(seq 300); do
    grep -q 'Ctrl-C stops everything' "$folder/output" 2>/dev/null && break
    kill -0 "$runner" 2>/dev/null || break
    sleep 1
done
cat "$folder/output"

command=$(sed -n '/^  curl /,/-d /p' "$folder/output")
if [ -z "$command" ]; then
    echo "make run printed no curl line to paste." >&2
    exit 1
fi
curl -sSf -o /dev/null "http://127.0.0.1:$port/health"
if command -v npm >/dev/null; then
    curl -sSf "http://127.0.0.1:$port/console" | grep -q /console/assets/
fi
echo "Pasting: $command"
answer=$(bash -c "$command")
grep -q '"agentDispatched":true' <<<"$answer" || { echo "It answered: $answer" >&2; exit 1; }
grep -q '"userToken":"' <<<"$answer"
test -f "$folder/clone/data/backend.db"
test ! -e "$folder/clone/.venv/bin/pytest" # `make run` installs what running needs, no more

kill -INT -- "-$runner"
for _ in $(seq 40); do
    kill -0 -- "-$runner" 2>/dev/null || [ -n "$(left_behind)" ] || break
    sleep 0.5
done
if [ -n "$(left_behind)" ] || kill -0 -- "-$runner" 2>/dev/null; then
    echo "Ctrl-C left something behind:" >&2
    left_behind >&2
    exit 1
fi
runner=
tail -n 1 "$folder/output"
echo "Ctrl-C stopped everything."
