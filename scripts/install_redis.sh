#!/bin/sh
# Redis, without which a LiveKit server has no trunks and no dispatch rules, from Debian's packages.
set -eu

command -v redis-server > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || {
    echo "Tests of trunks and dispatch rules need Redis (https://redis.io); on Debian: apt-get install redis-server"
    exit 1
}
echo "Installing Redis ..."
apt-get update -qq
# Its own service would start at once: 101 forbids that (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || {
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
}
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y redis-server > /dev/null
