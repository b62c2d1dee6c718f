#!/bin/sh
# python.sh FOLDER REQUIREMENTS makes FOLDER a virtual environment of Python with the packages that
# REQUIREMENTS pins. If it is there already, the script does nothing and needs no network. The hashes
# in REQUIREMENTS verify the downloads, and no package is built here. uv installs in a tenth of the
# time of pip; pip installs only uv, into .cache/pins.
set -eu
folder=$1 requirements=$2
cd "$(dirname "$0")/.."

fail() {
	echo "python: $1" >&2
	exit 1
}

# environment FOLDER makes an empty virtual environment.
environment() {
	command -v python3 >/dev/null || fail "python3 is missing: install Python 3.11 or later"
	python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
		fail "python3 is too old or cannot create virtual environments: install Python 3.11 or later with venv (Debian: python3-venv)"
	rm -rf "${1:?}"
	python3 -m venv $2 "$1"
}

# fetched.txt is written last, so that an incomplete fetch does not count.
pins=test/samlocal/requirements-pins.txt
if ! cmp -s $pins .cache/pins/fetched.txt; then
	environment .cache/pins ""
	.cache/pins/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $pins
	cp $pins .cache/pins/fetched.txt
fi
cmp -s "$requirements" "$folder/fetched.txt" && exit
environment "$folder" --without-pip
# --no-deps: the file lists all packages. The check notices a missing package.
uv() { .cache/pins/bin/uv pip "$@" --quiet --python "$folder/bin/python"; }
uv install --no-deps --require-hashes --only-binary :all: --requirement "$requirements"
uv check >"$folder/check.txt" 2>&1 || { cat "$folder/check.txt" >&2; exit 1; }
cp "$requirements" "$folder/fetched.txt"
