#!/bin/sh
# Pins every package with its hashes, without the address of any index.
set -eu

# Extras stay: pip 23.2 (Python 3.11.7's) takes the newest coverage[toml] where only coverage is pinned, and then
# refuses it for want of a hash.
compile() {
    .venv/bin/pip-compile --quiet --generate-hashes --no-strip-extras --allow-unsafe --no-header \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links "$@" pyproject.toml
}

compile --output-file requirements/run.txt
compile --extra dev --extra otel --constraint requirements/run.txt --output-file requirements/dev.txt
