#!/bin/sh
# Chromium, with which tests run the README's page, from Debian's packages.
set -eu

command -v chromium > /dev/null && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || {
    echo "Browser tests need chromium; on Debian: apt-get install chromium"
    exit 1
}
echo "Installing chromium ..."
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -y chromium > /dev/null
