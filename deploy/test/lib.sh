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

# is WANT GOT WHAT
is() { [ "$1" = "$2" ] || fail "$3: want $1, got $2"; }

# mode_of prints a file's mode and owners as numbers.
mode_of() { stat -c '%a %u:%g' "$1"; }

ok() { echo "ok: $*"; }
