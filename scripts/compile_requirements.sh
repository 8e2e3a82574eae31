#!/bin/sh
# Pins every package with its hashes, without the address of any index.
set -eu

compile() {
    .venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links "$@" pyproject.toml
}

compile --output-file requirements/run.txt
compile --extra dev --extra otel --constraint requirements/run.txt --output-file requirements/dev.txt
