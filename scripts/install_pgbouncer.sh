#!/bin/sh
# PgBouncer, through which tests reach PostgreSQL, from Debian's packages.
set -eu

PATH=$PATH:/usr/sbin
command -v pgbouncer > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || {
    echo "Tests of poolers need PgBouncer (https://www.pgbouncer.org); on Debian: apt-get install pgbouncer"
    exit 1
}
echo "Installing PgBouncer ..."
apt-get update -qq
# Its own service would start at once: 101 forbids that (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || {
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
}
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y pgbouncer > /dev/null
