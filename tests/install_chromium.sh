#!/bin/sh
# The browser that the console page is tested in: installed from Debian, where this is Debian and we
# are root. Elsewhere nothing happens here, and the tests of the page say why they are skipped.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! grep -qs '^ID=debian$' /etc/os-release; then exit 0; fi

echo "set-up: Chromium, for the tests of the console page"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1; then
  echo "set-up: apt could not install Chromium: the tests of the console page will be skipped" >&2
fi
