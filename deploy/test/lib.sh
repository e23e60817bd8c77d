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

# both_sides SANDBOX ADDRESS starts the sandbox, its page on the address, in place
# of whose daemon a script keeps in $scratch/given what the daemon would be given.
# The process is $sides, for the caller to end.
both_sides() {
	page=$2
	cat >"$scratch/keep" <<-END
		#!/bin/sh
		cp -r "\$(dirname "\$3")" "$scratch/given.new"
		mv "$scratch/given.new" "$scratch/given"
		exec sleep infinity
	END
	chmod +x "$scratch/keep"
	"$1" --listen "$page" --daemon "$scratch/keep" >"$scratch/sandbox.log" 2>&1 &
	# shellcheck disable=SC2034 # the caller ends it
	sides=$!
	for _ in $(seq 120); do
		[ ! -e "$scratch/given" ] || return 0
		sleep 0.5
	done
	fail "the sandbox does not start: $(cat "$scratch/sandbox.log")"
}

# The page of a sandbox at $page: state prints what it shows once, as JSON.
state() {
	curl -sN --max-time 2 "http://$page/api/events" 2>/dev/null | grep -m1 -A1 '^event: state' | sed -n 's/^data: //p' || true
}
# shown FILTER reports whether it shows what the filter of jq finds.
shown() { state | jq --exit-status "$1" >/dev/null 2>&1; }
# until_shown FILTER WHAT waits until it does.
until_shown() {
	for _ in $(seq 60); do
		if shown "$1"; then return; fi
		sleep 0.5
	done
	fail "$2 did not come to pass: $(curl -sN --max-time 1 "http://$page/api/events" | tail -n 40 | tail -c 4000)"
}
post() {
	curl -sSf -H 'Content-Type: application/json' -H "Origin: http://$page" -d "$2" "http://$page/api/$1"
}
