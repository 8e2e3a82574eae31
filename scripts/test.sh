#!/bin/sh
# `make test`: every tier with coverage. Where no real LiveKit server can be had, the tests that
# need one are skipped, in words; with CI or REQUIRE_LIVEKIT=1 set they fail instead. The same holds
# for PgBouncer, with CI set.
set -eu

if [ -n "${LIVEKIT_SERVER:-}" ]; then
    echo "The real LiveKit server is $LIVEKIT_SERVER."
elif ! sh scripts/install_livekit.sh; then
    if [ -n "${CI:-}" ] || [ "${REQUIRE_LIVEKIT:-}" = 1 ]; then
        echo "Without a real LiveKit server not every tier can run, which CI does not accept." >&2
        exit 1
    elif ! command -v livekit-server >/dev/null; then
        echo "Going on without a real LiveKit server: the live tier, and the half of the contract"
        echo "tier that compares the simulator with that server, are skipped."
    fi
fi
if ! sh scripts/install_pgbouncer.sh; then
    if [ -n "${CI:-}" ]; then
        echo "Without PgBouncer not every test can run, which CI does not accept." >&2
        exit 1
    fi
    echo "Going on without PgBouncer: the tests of poolers are skipped."
fi
if ! sh scripts/install_browser.sh; then
    if [ -n "${CI:-}" ]; then
        echo "Without chromium not every test can run, which CI does not accept." >&2
        exit 1
    fi
    echo "Going on without chromium: the browser tests are skipped."
fi
# One process more than there are cores: most tests wait for services to start, and for time-outs.
processes=$(.venv/bin/python -c 'import os; print((os.cpu_count() or 1) + 1)')
.venv/bin/python -m pytest --numprocesses "$processes" --dist worksteal --junitxml .cache/tests.xml \
    --cov --cov-report= "$@"
.venv/bin/python -m coverage report --include='domain/*,application/*' --skip-covered
.venv/bin/python -m coverage json -q --include='domain/*,application/*' -o - |
    .venv/bin/python scripts/check_branches.py 95
