# What the tests of deploy/ share; read by them with `.`.
# shellcheck shell=bash
set -euo pipefail

# root is the repository, scratch a directory of the test's own.
# shellcheck disable=SC2034 # used by the tests
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# debian_root DIRECTORY [NAME PACKAGES] lays out a Debian that holds its base and
# the packages, by default git, make and CA certificates, and nothing else. It is
# kept between runs as an archive of that name.
debian_root() {
	local archive=$root/build/tools/${2:-debian-root}.tar packages=${3:-git,make,ca-certificates} attempt
	if [ ! -f "$archive" ]; then
		command -v debootstrap >/dev/null || fail "debootstrap is missing"
		# Mirrors have bad moments.
		for attempt in 1 2 3; do
			debootstrap --variant=minbase "--include=$packages" \
				bookworm "$scratch/debootstrap" >"$scratch/debootstrap.log" 2>&1 && break
			[ "$attempt" -lt 3 ] || fail "debootstrap: $(tail -n 3 "$scratch/debootstrap.log")"
			rm -rf "$scratch/debootstrap"
		done
		mkdir -p "$(dirname "$archive")"
		tar -C "$scratch/debootstrap" -cf "$archive.new" .
		mv "$archive.new" "$archive"
		rm -rf "$scratch/debootstrap"
	fi
	mkdir "$1"
	tar -C "$1" -xf "$archive"
}

# is WANT GOT WHAT
is() { [ "$1" = "$2" ] || fail "$3: want $1, got $2"; }

# mode_of prints a file's mode and owners as numbers.
mode_of() { stat -c '%a %u:%g' "$1"; }

ok() { echo "ok: $*"; }
