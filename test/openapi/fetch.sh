#!/bin/sh
# Fetches Schemathesis into .cache/openapi. If it is there already, it does nothing and needs no
# network. The hashes in requirements.txt verify the downloads.
set -eu
cd "$(dirname "$0")"
cache=../../.cache/openapi

cmp -s requirements.txt "$cache/fetched.txt" && exit
python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
	echo "openapi: python3 is missing, too old, or cannot create virtual environments: install Python 3.11 or later with venv (Debian: python3-venv)" >&2
	exit 1
}
rm -rf "$cache"
python3 -m venv "$cache"
"$cache/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement requirements.txt
cp requirements.txt "$cache/fetched.txt" # last, so that an incomplete fetch does not count
