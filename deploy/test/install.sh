#!/usr/bin/env bash
# Installs into a scratch root, twice, and removes it again.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

binary=$(realpath "${1:-$root/build/teleport-jira}")
target=$scratch/root
mkdir -p "$target/etc"
install_sh() { "$root/deploy/install.sh" --root "$target" "$@" >/dev/null; }

install_sh --binary "$binary" --prefix /opt/tj
id=$(awk -F: '$1 == "teleport-jira" { print $3 ":" $4 }' "$target/etc/passwd")
[ -n "$id" ] || fail "no user was made"
is "755 0:0" "$(mode_of "$target/opt/tj/bin/teleport-jira")" "program"
is "640 0:${id#*:}" "$(mode_of "$target/etc/teleport-jira.toml")" "configuration"
is "700 0:0" "$(mode_of "$target/etc/teleport-jira")" "secrets"
is "600 0:0" "$(mode_of "$target/etc/teleport-jira/jira-token")" "token"
is "750 $id" "$(mode_of "$target/var/lib/teleport-jira")" "state"
grep -qx 'ExecStart=/opt/tj/bin/teleport-jira start --config /etc/teleport-jira.toml' \
	"$target/etc/systemd/system/teleport-jira.service" || fail "the unit starts another program"
cmp "$target/etc/teleport-jira.toml" <("$target/opt/tj/bin/teleport-jira" configure)
ok "installed below a root, with a prefix"

echo '# mine' >"$target/etc/teleport-jira.toml"
echo secret >"$target/etc/teleport-jira/jira-token"
find "$target" -printf '%P %m %U %G\n' | sort >"$scratch/before"
install_sh --binary "$binary" --prefix /opt/tj
find "$target" -printf '%P %m %U %G\n' | sort >"$scratch/after"
diff "$scratch/before" "$scratch/after"
is '# mine' "$(cat "$target/etc/teleport-jira.toml")" "configuration after the second time"
is secret "$(cat "$target/etc/teleport-jira/jira-token")" "token after the second time"
ok "a second time changes nothing that is an operator's"

install_sh --uninstall --prefix /opt/tj
[ ! -e "$target/opt/tj/bin/teleport-jira" ] || fail "the program is still there"
[ ! -e "$target/etc/systemd/system/teleport-jira.service" ] || fail "the unit is still there"
is '# mine' "$(cat "$target/etc/teleport-jira.toml")" "configuration after --uninstall"
install_sh --uninstall --prefix /opt/tj
ok "--uninstall keeps configuration and secrets, and may be repeated"

install_sh --uninstall --purge --prefix /opt/tj
left=$(find "$target" -name '*teleport-jira*')
[ -z "$left" ] || fail "--purge left $left"
! grep -rq teleport-jira "$target/etc" || fail "--purge left the user"
ok "--purge leaves nothing"

(cd "$scratch" && "$root/deploy/install.sh" --root relative/to/here --binary "$binary" >/dev/null)
[ -x "$scratch/relative/to/here/usr/local/bin/teleport-jira" ] || fail "no program below a relative root"
grep -q '^teleport-jira:' "$scratch/relative/to/here/etc/passwd" || fail "no user below a relative root"
ok "a relative root is taken from the working directory"

for option in --root --prefix --binary; do
	! "$root/deploy/install.sh" "$option" '' 2>"$scratch/err" || fail "$option was taken without a value"
	grep -q -- "$option needs a value" "$scratch/err" || fail "unclear: $(cat "$scratch/err")"
done
ok "an option without its value is refused"

"$root/deploy/install.sh" --help >"$scratch/help"
is "Installs teleport-jira on a Linux host with systemd, or removes it. It may be" \
	"$(head -n 1 "$scratch/help")" "help's first line"
is "  --purge         with --uninstall: remove those as well, and the user" \
	"$(tail -n 1 "$scratch/help")" "help's last line"
ok "--help is the script's own description"

if "$root/deploy/install.sh" --root "$target" --bogus 2>"$scratch/err"; then
	fail "an unknown option was taken"
fi
grep -q 'unknown option --bogus' "$scratch/err" || fail "unclear: $(cat "$scratch/err")"
ok "an unknown option is refused"
