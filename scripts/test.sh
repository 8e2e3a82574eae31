#!/bin/sh
# `make test`: every tier with coverage. Where no real LiveKit server can be had, the tiers that
# need one are skipped in words; with CI or REQUIRE_LIVEKIT=1 they fail instead.
set -eu

if ! scripts/install_livekit.sh; then
    if [ -n "${CI:-}" ] || [ "${REQUIRE_LIVEKIT:-}" = 1 ]; then
        exit 1
    fi
    echo "Going on without a real LiveKit server: the tests that need one will be skipped."
fi
.venv/bin/python -m pytest --cov --cov-report= "$@"
.venv/bin/python -m coverage report --include='domain/*,application/*' --fail-under=95 --skip-covered
