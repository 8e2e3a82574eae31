#!/usr/bin/env bash
# Does what a newcomer does: clones, types `make run`, pastes the curl line that it prints, and
# presses Ctrl-C. Nothing of this machine's home or caches is used but Python and make.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet . "$folder/clone"
mkdir "$folder/home"
cd "$folder/clone"

# In a session of its own, as in a terminal: Ctrl-C goes to make and to all that it started.
env -i HOME="$folder/home" PATH="$PATH" PORT=4711 \
    ${PIP_CERT:+PIP_CERT="$PIP_CERT"} ${SSL_CERT_FILE:+SSL_CERT_FILE="$SSL_CERT_FILE"} \
    ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} \
    ${https_proxy:+https_proxy="$https_proxy"} \
    setsid make run >"$folder/output" 2>&1 &
runner=$!
for _ in $(seq 300); do
    grep -q 'Ctrl-C stops everything' "$folder/output" && break
    kill -0 "$runner" 2>/dev/null || break
    sleep 1
done
cat "$folder/output"

command=$(sed -n '/^  curl /,/-d /p' "$folder/output")
echo "Pasting: $command"
answer=$(bash -c "$command")
echo "$answer"
grep -q '"agentDispatched":true' <<<"$answer"
test -f data/backend.db

kill -INT -- "-$runner"
for _ in $(seq 20); do
    kill -0 -- "-$runner" 2>/dev/null || break
    sleep 0.5
done
if pgrep -f "$folder/clone" || kill -0 -- "-$runner" 2>/dev/null; then
    echo "Ctrl-C left something behind." >&2
    exit 1
fi
echo "Ctrl-C stopped everything."
