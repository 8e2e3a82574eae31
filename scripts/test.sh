#!/bin/sh
# `make test`, `test-slow` and `test-unit`: test.sh fast|slow|unit [arguments for pytest].
#
# Tests marked slow run in `slow` only, all others in `fast`, so that each runs once in both together.
# Where no real LiveKit server can be had, the tests that need one are skipped, in words; with CI or
# REQUIRE_LIVEKIT=1 set they fail instead. The same holds for PgBouncer and Redis, with CI set.
#
# With COVERAGE=1, `fast` measures which branches the unit tests cover, which takes half a minute more.
set -eu

began=$(date +%s)
tiers=$1
shift
unset PYTHONDONTWRITEBYTECODE # or each process compiles every module, and pytest's assertions, anew
cores=$(.venv/bin/python -c 'import os; print(os.cpu_count() or 1)')

find_livekit() {
    if [ -n "${LIVEKIT_SERVER:-}" ]; then
        echo "The real LiveKit server is $LIVEKIT_SERVER."
    elif ! sh scripts/install_livekit.sh; then
        if [ -n "${CI:-}" ] || [ "${REQUIRE_LIVEKIT:-}" = 1 ]; then
            echo "Without a real LiveKit server not every test can run, which CI does not accept." >&2
            exit 1
        elif ! command -v livekit-server >/dev/null; then
            echo "Going on without a real LiveKit server: the live tier, and the half of the contract"
            echo "tier that compares the simulator with that server, are skipped."
        fi
    fi
}

# need SCRIPT NAME TESTS: install what TESTS need, or go on without them where CI is not set.
need() {
    sh "scripts/install_$1.sh" && return
    if [ -n "${CI:-}" ]; then
        echo "Without $2 not every test can run, which CI does not accept." >&2
        exit 1
    fi
    echo "Going on without $2: $3 are skipped."
}

tests() {
    .venv/bin/python -m pytest --dist worksteal "$@"
}

case $tiers in
unit)
    echo "Unit tests but the slow ones, about 20 seconds on two cores."
    tests --numprocesses "$cores" -m "not slow" tests/unit "$@"
    ;;
fast)
    echo "Every test but the slow ones, about 5 minutes on two cores: unit, contract, integration,"
    echo "deployment, and a session and a phone call on a real LiveKit server (make test-all: all)."
    find_livekit
    need pgbouncer PgBouncer "the tests of poolers"
    # One process more than there are cores: some tests wait for services to start.
    set -- --numprocesses $((cores + 1)) -m "not slow" --junitxml .cache/tests.xml "$@"
    if [ "${COVERAGE:-}" = 1 ]; then
        tests --cov=domain --cov=application --cov-report= "$@"
        .venv/bin/python -m coverage report --skip-covered
        .venv/bin/python -m coverage json -q -o - | .venv/bin/python scripts/check_branches.py 95
    else
        tests "$@"
    fi
    ;;
slow)
    echo "The slow tests, about 15 minutes on two cores: services that are killed, overloaded and lied"
    echo "to, random histories, generated requests, the wheel in an environment of its own, and a real"
    echo "LiveKit server with workers and calls."
    find_livekit
    need pgbouncer PgBouncer "the tests of poolers"
    need redis Redis "the tests of trunks and dispatch rules on a real LiveKit server"
    need browser chromium "the browser tests"
    # Most of them wait for processes, time-outs and leases half of their time.
    tests --numprocesses $((cores + 3)) -m slow --junitxml .cache/tests-slow.xml "$@"
    ;;
*)
    echo "test.sh fast|slow|unit, not $tiers" >&2
    exit 2
    ;;
esac
took=$(($(date +%s) - began))
echo "Took $((took / 60)) min $((took % 60)) s."
