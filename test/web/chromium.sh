#!/bin/sh
# chromium.sh finds Chromium for the tests. In continuous integration, it installs Chromium;
# on other machines, it prints how to install it.
for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome; do
	command -v "$name" >/dev/null && exit
done
if [ "$CI" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends --yes chromium >/dev/null && exit
fi
echo "web: Chromium is missing: install chromium (Debian: apt-get install chromium), or set CHROMIUM to its path" >&2
exit 1
