#!/bin/sh
# Fetches the clients that are not in Go into .cache/clients. If they are there already, it does
# nothing and needs no network. The hashes in the lock files verify the downloads; no script of an
# npm package is run. If the tools of one language are missing, the other languages are still
# fetched.
set -u
cd "$(dirname "$0")"
cache=../../.cache/clients

# fetch LANGUAGE LOCK fetches into $cache/LANGUAGE with the function from_LANGUAGE.
fetch() {
	cmp -s "$1/$2" "$cache/$1/fetched.txt" && return
	rm -rf "${cache:?}/$1"
	mkdir -p "$cache/$1"
	"from_$1" && cp "$1/$2" "$cache/$1/fetched.txt" # last, so that an incomplete fetch does not count
}

need() {
	command -v "$1" >/dev/null && return
	echo "clients: $1 is missing: $2" >&2
	return 1
}

from_node() {
	need npm "install Node.js 20 or later" &&
		cp node/package.json node/package-lock.json node/.npmrc "$cache/node" &&
		npm ci --prefix "$cache/node" --no-audit --no-fund --loglevel=error
}

from_python() {
	need python3 "install Python 3.10 or later with venv" &&
		python3 -m venv "$cache/python" &&
		"$cache/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
			--requirement python/requirements.txt
}

# Maven's own files are removed again.
from_java() {
	need mvn "install Maven 3.8 or later" &&
		mvn --quiet --batch-mode --file java/pom.xml "-Dmaven.repo.local=$PWD/$cache/java/maven" \
			dependency:copy-dependencies "-DoutputDirectory=$PWD/$cache/java" &&
		rm -rf "$cache/java/maven" &&
		(cd "$cache/java" && check) <java/jars.sha256
}

check() {
	if command -v sha256sum >/dev/null; then sha256sum --quiet --check -; else shasum -a 256 --quiet --check -; fi
}

status=0
fetch node package-lock.json || status=1
fetch python requirements.txt || status=1
fetch java jars.sha256 || status=1
exit $status
