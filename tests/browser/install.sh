#!/bin/sh
# A Chromium for the browser tests: one that is there, else the distribution's, else Playwright's own.
# $1: the playwright command. CONVSCOPE_CHROMIUM names a browser to use instead.
set -e

if [ -n "$CONVSCOPE_CHROMIUM" ]; then
    "$CONVSCOPE_CHROMIUM" --version
    exit
fi
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    # Ubuntu's chromium-browser may be a stub that only advertises a snap, so it has to answer.
    if "$name" --version 2>/dev/null; then exit; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium from the distribution …"
    apt-get update -qq || true
    for name in chromium-headless-shell chromium; do
        if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$name" >/dev/null 2>&1; then
            if "$name" --version 2>/dev/null; then exit; fi
        fi
    done
    "$1" install --with-deps chromium
else
    "$1" install chromium
fi
