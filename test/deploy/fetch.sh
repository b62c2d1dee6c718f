#!/bin/sh
# Fetches the emulator of requirements.txt into .cache/deploy. If it is there already, it does
# nothing and needs no network. The hashes in requirements.txt verify the downloads, and no package
# is built here.
set -eu
cd "$(dirname "$0")"
cache=../../.cache/deploy

fail() {
	echo "deploy: $1" >&2
	exit 1
}

cmp -s requirements.txt "$cache/fetched.txt" && exit 0

command -v python3 >/dev/null || fail "python3 is missing: install Python 3.11 or later"
python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
	fail "python3 is too old or cannot create virtual environments: install Python 3.11 or later with venv (Debian: python3-venv)"

rm -rf "$cache"
python3 -m venv "$cache"
"$cache/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement requirements.txt
cp requirements.txt "$cache/fetched.txt" # last, so that an incomplete fetch does not count
