#!/bin/sh
# wrk, which sends the load of the benchmarks, from Debian's packages.
set -eu

command -v wrk > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || {
    echo "The benchmarks need wrk (https://github.com/wg/wrk); on Debian: apt-get install wrk"
    exit 1
}
echo "Installing wrk ..."
apt-get update -qq
apt-get install -qq --no-install-recommends -y wrk > /dev/null
