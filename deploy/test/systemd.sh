#!/usr/bin/env bash
# Has systemd look at the unit: no unknown or misplaced setting, and an
# exposure of at most 1.5.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

binary=$(realpath "${1:-$root/build/teleport-jira}")
unit=$root/deploy/systemd/teleport-jira.service
command -v systemd-analyze >/dev/null || fail "systemd-analyze is missing: install systemd"

# verify wants the program to be there; the credentials' files it does not open.
sed "s#^ExecStart=/usr/local/bin/teleport-jira#ExecStart=$binary#" \
	"$unit" >"$scratch/teleport-jira.service"
systemd-analyze verify --man=no "$scratch/teleport-jira.service" >"$scratch/verify" 2>&1 ||
	fail "systemd-analyze verify: $(cat "$scratch/verify")"
is "" "$(cat "$scratch/verify")" "systemd-analyze verify"
ok "systemd-analyze verify says nothing"

systemd-analyze security --offline=true --threshold=15 "$unit" >"$scratch/security" ||
	fail "exposed: $(tail -n 1 "$scratch/security")"
ok "$(tail -n 1 "$scratch/security" | sed 's/^[^O]*//')"
