#!/bin/sh
# A redis-server for the tests of rooms that replicas share: one that is there, else the distribution's. Without it, those
# tests are skipped and say so.
set -e

if redis-server --version 2>/dev/null; then exit; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing redis-server from the distribution …"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null || true
fi
redis-server --version 2>/dev/null || echo "No redis-server: the tests that need one are skipped. On Debian and Ubuntu: apt install redis-server"
