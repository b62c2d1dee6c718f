#!/bin/sh
# Fetches the engines of package-lock.json into .cache/engines. If they are there already, it does
# nothing and needs no network. The hashes in the lock file verify the downloads; no script of a
# package is run.
set -eu
cd "$(dirname "$0")"
cache=../../.cache/engines
dynoxide=$cache/node_modules/@dynoxide/linux-x64/dynoxide

fail() {
	echo "engines: $1" >&2
	exit 1
}

cmp -s package-lock.json "$cache/fetched.json" && exit 0

command -v npm >/dev/null || fail "npm is missing: install Node.js 18 or later"
command -v java >/dev/null || fail "java is missing: install a Java runtime, version 17 or later"

mkdir -p "$cache"
rm -f "$cache/fetched.json"
cp package.json package-lock.json .npmrc "$cache"
npm ci --prefix "$cache" --no-audit --no-fund --loglevel=error

# dynoxide is optional because it does not exist for all platforms, and npm does not report an
# optional package that it could not fetch.
case "$(uname -s) $(uname -m)" in
"Linux x86_64") test -x "$dynoxide" || fail "npm did not fetch dynoxide: try again" ;;
esac
cp package-lock.json "$cache/fetched.json" # last, so that an incomplete fetch does not count
