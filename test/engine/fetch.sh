#!/bin/sh
# Fetches the engines of package-lock.json into .cache/engines, or does nothing, and needs no network, where they are
# there already. Hashes in the lock file make sure of what arrives; no script of a package is run.
set -eu
cd "$(dirname "$0")"
cache=../../.cache/engines
dynoxide=$cache/node_modules/@dynoxide/linux-x64/dynoxide

fail() {
	echo "engines: $1" >&2
	exit 1
}

cmp -s package-lock.json "$cache/fetched.json" && exit 0

command -v npm >/dev/null || fail "npm is missing: install Node.js 18 or later, which brings it"
command -v java >/dev/null || fail "java is missing: install a Java runtime, version 17 or later"

mkdir -p "$cache"
rm -f "$cache/fetched.json"
cp package.json package-lock.json .npmrc "$cache"
npm ci --prefix "$cache" --no-audit --no-fund --loglevel=error

# dynoxide is optional for other platforms' sake, and npm says nothing where an optional package does not arrive.
case "$(uname -s) $(uname -m)" in
"Linux x86_64") test -x "$dynoxide" || fail "dynoxide did not arrive: try again" ;;
esac
cp package-lock.json "$cache/fetched.json" # last, so that half of a fetch counts for nothing
