#!/bin/sh
# Writes the secrets that deploy/compose.yaml needs to deploy/.env, each once: PostgreSQL keeps the
# password that its volume was made with, so a second `up` must use the same one.
set -eu
umask 077
file=$(dirname "$0")/.env
touch "$file"
chmod 600 "$file"
[ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
for name in LIVEKIT_API_SECRET POSTGRES_PASSWORD; do
    if grep -q "^$name=." "$file"; then
        echo "$file keeps its $name."
    else
        secret=$(od -An -v -N 32 -t x1 /dev/urandom | tr -d ' \n')
        printf '%s=%s\n' "$name" "$secret" >>"$file"
        echo "$file has a new $name."
    fi
done
