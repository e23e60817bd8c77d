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
# shellcheck disable=SC2016 # the variable is systemd's
grep -qx 'ExecStart=/opt/tj/bin/teleport-jira start --config /etc/teleport-jira.toml $TELEPORT_JIRA_FLAGS' \
	"$target/etc/systemd/system/teleport-jira.service" || fail "the unit starts another program"
cmp "$target/etc/teleport-jira.toml" <("$target/opt/tj/bin/teleport-jira" configure)
cmp "$target/opt/tj/share/man/man1/teleport-jira.1" <("$binary" --help-man)
cmp "$target/opt/tj/share/bash-completion/completions/teleport-jira" <("$binary" --completion-script-bash)
is 'Documentation=man:teleport-jira(1)' \
	"$(grep '^Documentation=' "$target/etc/systemd/system/teleport-jira.service")" "documents of the unit"
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
[ -z "$(find "$target/opt/tj" -name 'teleport-jira*')" ] || fail "below the prefix something is still there"
is '# mine' "$(cat "$target/etc/teleport-jira.toml")" "configuration after --uninstall"
install_sh --uninstall --prefix /opt/tj
ok "--uninstall keeps configuration and secrets, and may be repeated"

install_sh --uninstall --purge --prefix /opt/tj
left=$(find "$target" -name '*teleport-jira*')
[ -z "$left" ] || fail "--purge left $left"
! grep -rq teleport-jira "$target/etc" || fail "--purge left the user"
ok "--purge leaves nothing"

# The existing plugin's configuration, of root alone, is made readable for the
# daemon's group; a second time leaves what the operator has set.
mkdir -p "$scratch/migrated/etc"
install -m 600 /dev/null "$scratch/migrated/etc/teleport-jira.toml"
"$root/deploy/install.sh" --root "$scratch/migrated" --binary "$binary" >"$scratch/said"
gid=$(awk -F: '$1 == "teleport-jira" { print $3 }' "$scratch/migrated/etc/group")
is "640 0:$gid" "$(mode_of "$scratch/migrated/etc/teleport-jira.toml")" "configuration that was there before"
grep -q 'systemctl enable --now teleport-jira' "$scratch/said" || fail "no next step: $(cat "$scratch/said")"
chmod 600 "$scratch/migrated/etc/teleport-jira.toml"
"$root/deploy/install.sh" --root "$scratch/migrated" --binary "$binary" >/dev/null
is "600 0:$gid" "$(mode_of "$scratch/migrated/etc/teleport-jira.toml")" "configuration after the second time"
ok "the existing plugin's configuration can be read by the daemon"

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
