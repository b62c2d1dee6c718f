#!/bin/sh
# fetch.sh FOLDER fetches the programs of test/FOLDER that are not in Go into .cache/FOLDER, into one
# folder for each lock file. If they are there already, it does nothing and needs no network. The
# hashes in the lock files verify the downloads; no script of an npm package is run. If the tools of
# one language are missing, the other languages are still fetched.
set -u
cd "$(dirname "$0")/$1"
folder=$1
cache=../../.cache/$1

# fetch LOCK BY fetches what LOCK pins with the function BY.
fetch() {
	part=${1%/*}
	to=$cache/$part
	cmp -s "$1" "$to/fetched.txt" && return
	rm -rf "${to:?}"
	mkdir -p "$to"
	"$2" && cp "$1" "$to/fetched.txt" # last, so that an incomplete fetch does not count
}

need() {
	command -v "$1" >/dev/null && return
	echo "$folder: $1 is missing: $2" >&2
	return 1
}

by_npm() {
	need npm "install Node.js 20 or later" &&
		cp "$part/package.json" "$part/package-lock.json" "$part/.npmrc" "$to" &&
		npm ci --prefix "$to" --no-audit --no-fund --loglevel=error
}

by_uv() {
	../python.sh ".cache/$folder/$part" "test/$folder/$part/requirements.txt"
}

# Maven's own files are removed again.
by_maven() {
	need mvn "install Maven 3.8 or later" &&
		mvn --quiet --batch-mode --file "$part/pom.xml" "-Dmaven.repo.local=$PWD/$to/maven" \
			dependency:copy-dependencies "-DoutputDirectory=$PWD/$to" &&
		rm -rf "$to/maven" &&
		(cd "$to" && check) <"$part/jars.sha256"
}

check() {
	if command -v sha256sum >/dev/null; then sha256sum --quiet --check -; else shasum -a 256 --quiet --check -; fi
}

status=0
for lock in */package-lock.json */requirements.txt */jars.sha256; do
	[ -e "$lock" ] || continue
	case $lock in
	*.json) fetch "$lock" by_npm ;;
	*.txt) fetch "$lock" by_uv ;;
	*) fetch "$lock" by_maven ;;
	esac || status=1
done
exit $status
