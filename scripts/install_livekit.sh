#!/bin/sh
# Builds the livekit-server that the tests run against into .cache/bin/livekit-server.
# Does nothing if that version is already there. Needs Go; takes two minutes the first time.
set -eu

version=v1.13.5
bin=$(cd "$(dirname "$0")/.." && pwd)/.cache/bin
server=$bin/livekit-server
stamp=$server.version

if [ -x "$server" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$version" ]; then
    echo "livekit-server $version is already in $bin"
    exit 0
fi
if ! command -v go >/dev/null; then
    echo "Building livekit-server needs Go 1.26 or newer: install it from https://go.dev/dl/," >&2
    echo "or set LIVEKIT_SERVER to a livekit-server $version binary." >&2
    exit 1
fi
mkdir -p "$bin"
echo "Building livekit-server $version (about two minutes, once) ..."
GOBIN=$bin go install "github.com/livekit/livekit-server/cmd/server@$version"
mv "$bin/server" "$server"
echo "$version" >"$stamp"
echo "livekit-server $version is in $bin"
