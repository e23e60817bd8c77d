#!/usr/bin/env bash
# Installs the built .deb in a Debian of its own, boots that with systemd as its
# first process, in a container, and sees how the unit does: a boot and an upgrade
# while Jira and Teleport are away, reloads, a hang, an upgrade at work, the guide's
# own paths, a removal.
#
#   deploy/test/systemd-boot.sh SANDBOX DIRECTORY VERSION
#
# The sandbox makes the identity and the configuration, and is both sides.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox=$(realpath "${1:?usage: deploy/test/systemd-boot.sh SANDBOX DIRECTORY VERSION}")
dist=$(cd "${2:?usage: deploy/test/systemd-boot.sh SANDBOX DIRECTORY VERSION}" && pwd)
version=${3:?usage: deploy/test/systemd-boot.sh SANDBOX DIRECTORY VERSION}
for reason in "$([ "$(id -u)" = 0 ] || echo 'this is not root')" \
	"$(command -v systemd-nspawn >/dev/null || echo 'systemd-nspawn is missing: install systemd-container')"; do
	[ -z "$reason" ] || { echo "skipped: systemd as the first process: $reason" && exit 0; }
done

sides='' machine=
# end stops what this script has started.
end() {
	[ -z "$machine" ] || { kill "$machine" && wait "$machine"; } 2>/dev/null || true
	[ -z "$sides" ] || { kill "$sides" && wait "$sides"; } 2>/dev/null || true
	rm -rf "$scratch"
}
trap end EXIT

# eventually SECONDS WHAT COMMAND… repeats the command until it succeeds.
eventually() {
	local until=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || fail "$what did not come to pass: $(journal | tail -n 20)"
		sleep 0.5
	done
}
journal() { inside journalctl --no-pager --output=cat --unit=teleport-jira 2>&1 || true; }
both_sides "$sandbox" 127.0.0.1:18097

# An older release, which had the configuration among the files that dpkg asks
# about.
host=$(dpkg --print-architecture)
dpkg-deb --raw-extract "$dist/teleport-jira_$version-1_$host.deb" "$scratch/older"
sed -i 's/^Version: .*/Version: 0.9.0-1/' "$scratch/older/DEBIAN/control"
install -m 640 "$root/teleport-jira.toml.example" "$scratch/older/etc/teleport-jira.toml"
echo /etc/teleport-jira.toml >"$scratch/older/DEBIAN/conffiles"
# A newer one, whose program says so.
dpkg-deb --raw-extract "$dist/teleport-jira_$version-1_$host.deb" "$scratch/newer"
sed -i 's/^Version: .*/Version: 99.0.0-1/' "$scratch/newer/DEBIAN/control"
rm -f "$scratch/newer/DEBIAN/conffiles" # nfpm's list of none, which dpkg-deb refuses
(cd "$root" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=99.0.0' \
	-o "$scratch/newer/usr/bin/teleport-jira" ./cmd/teleport-jira)
target=$scratch/target
debian_root "$target" systemd-root systemd,systemd-sysv,dbus,ca-certificates
dpkg-deb --build --root-owner-group "$scratch/older" "$target/root/older.deb" >/dev/null
dpkg-deb --build --root-owner-group "$scratch/newer" "$target/root/newer.deb" >/dev/null
cp "$dist/teleport-jira_$version-1_$host.deb" "$target/root/new.deb"
: >"$target/etc/machine-id"

# inside runs a command there: once it is booted in the container, and before, when
# there is no systemd to talk to, in the root alone.
inside() {
	local enter=(chroot "$target")
	[ -z "$machine" ] || enter=(nsenter --target "$(first)" --all)
	"${enter[@]}" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
}
# first prints the first process of the container, as this system numbers it.
first() { pgrep --parent "$machine" --exact systemd | head -n 1; }
booted() { [ -n "$(first)" ]; }
answers() { { inside systemctl is-system-running 2>/dev/null || true; } | grep -Eq 'starting|running|degraded'; }
property() { inside systemctl show --property "$1" --value teleport-jira; }
active() { [ "$(property ActiveState)" = active ]; }
at_work() { property StatusText | grep -q '^at work'; }
replaced() { active && [ "$(property MainPID)" != "$pid" ]; }

inside dpkg -i /root/older.deb >"$scratch/dpkg" 2>&1 || fail "the older release: $(cat "$scratch/dpkg")"
group=$(inside getent group teleport-jira | cut -d: -f3)
user=$(inside id -u teleport-jira)

# The guide's paths: the token is handed over by systemd, identity, key and
# certificate are in the daemon's home, and the log file in its directory for logs.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-keyout "$scratch/privkey.pem" -out "$scratch/fullchain.pem" 2>"$scratch/openssl" || fail "openssl: $(cat "$scratch/openssl")"
install -d -m 700 -o "$user" -g "$group" "$target/var/lib/teleport-jira/tls"
install -m 600 -o "$user" -g "$group" "$scratch/privkey.pem" "$scratch/fullchain.pem" "$target/var/lib/teleport-jira/tls/"
install -m 600 -o "$user" -g "$group" "$scratch/given/identity" "$target/var/lib/teleport-jira/identity"
sed -n 's/^api_token *= *"\(.*\)"/\1/p' "$scratch/given/teleport-jira.toml" >"$target/etc/teleport-jira/jira-token"
tls='https_key_file = "/var/lib/teleport-jira/tls/privkey.pem"\nhttps_cert_file = "/var/lib/teleport-jira/tls/fullchain.pem"'
sed -e 's#^identity *=.*#identity = "/var/lib/teleport-jira/identity"#' \
	-e 's#^api_token *=.*#api_token_file = "/run/credentials/teleport-jira.service/jira-token"#' \
	-e 's#^listen_addr *=.*#listen_addr = "127.0.0.1:18098"#' \
	"$scratch/given/teleport-jira.toml" >"$scratch/plain.toml"
grep -q '^identity = "/var/lib/teleport-jira/identity"$' "$scratch/plain.toml" || fail "no identity in the sandbox's configuration"
sed "s#^\[http\]#&\n$tls#" "$scratch/plain.toml" >"$scratch/both-sides.toml"
# Nothing listens on port 1.
sed -E '/^(addr|url) *=/ s#//[^/"]*#//127.0.0.1:1#; s#^addr *=.*#addr = "127.0.0.1:1"#' \
	"$scratch/both-sides.toml" >"$scratch/away.toml"
# configure FILE makes it the configuration; dpkg keeps it, as one that an
# operator has edited.
configure() { cat "$1" >"$target/etc/teleport-jira.toml"; }
configure "$scratch/away.toml"
inside systemctl enable teleport-jira >/dev/null 2>&1

systemd-nspawn --quiet --register=no --keep-unit --boot --directory="$target" \
	</dev/null >"$scratch/console" 2>&1 &
machine=$!
eventually 30 "the boot's beginning" booted
eventually 30 "systemd's answer" answers
# The unit bounds its start, so that no boot waits for longer than this.
inside timeout 120 systemctl is-system-running --wait >"$scratch/state" 2>&1 || true
grep -Eqx 'running|degraded' "$scratch/state" || fail "the boot has not ended: $(cat "$scratch/state"; journal)"
# It waits for them, rather than having ended with a fault of its own.
works() { [ "$(property MainPID)" != 0 ] && ! journal | grep -q '^/etc/teleport-jira.toml:'; }
eventually 30 "the daemon's work after the boot" works
is active "$(property ActiveState)" "unit while both sides are away"
property StatusText | grep -q '^waiting for Teleport and Jira' || fail "status: $(property StatusText)"
ok "a boot ends while both sides are away, and the daemon waits for them and says so"

started=$SECONDS
inside timeout 60 dpkg -i /root/new.deb >"$scratch/dpkg" 2>&1 </dev/null || fail "upgrade: $(cat "$scratch/dpkg")"
[ $((SECONDS - started)) -lt 45 ] || fail "dpkg waited for the daemon: $((SECONDS - started)) s"
cmp "$scratch/away.toml" "$target/etc/teleport-jira.toml"
is "640 0:$group" "$(mode_of "$target/etc/teleport-jira.toml")" "configuration after an upgrade"
ok "an upgrade returns while both sides are away, and keeps an edited configuration"

configure "$scratch/both-sides.toml"
# A start that waits takes up the right configuration by being started anew.
inside systemctl --no-block restart teleport-jira
eventually 90 "the daemon's start" active
is notify "$(property Type)" "type under systemd 252"
pid=$(property MainPID)
[ "$pid" != 0 ] || fail "no process"
ok "the daemon starts with the guide's paths for identity and token"

printf '\n[log]\noutput = "/var/log/teleport-jira/teleport-jira.log"\n' >"$scratch/log"
sed '/^\[log\]/,/^$/d' "$scratch/both-sides.toml" | cat - "$scratch/log" >"$scratch/to-file.toml"
configure "$scratch/to-file.toml"
inside systemctl reload teleport-jira || fail "reload: $(inside journalctl --no-pager | tail -n 10)"
reloaded() { grep -qs 'configuration reloaded' "$target/var/log/teleport-jira/teleport-jira.log"; }
eventually 60 "a reload" reloaded
is "$pid" "$(property MainPID)" "process after a reload"
ok "a reload takes up a changed configuration, the log file in the unit's directory with it"

echo 'tokn = 1' >>"$target/etc/teleport-jira.toml"
inside systemctl reload teleport-jira || true # with systemd 252 it succeeds: the signal is sent
refused() { grep -q 'configuration not reloaded' "$target/var/log/teleport-jira/teleport-jira.log"; }
eventually 60 "a refusal of the faulty configuration" refused
is "$pid active" "$(property MainPID) $(property ActiveState)" "daemon after a faulty reload"
property StatusText | grep -q '^configuration not reloaded: .*tokn' || fail "status: $(property StatusText)"
ok "a faulty configuration is refused, and the daemon goes on"
# By now the log goes to a file; what went to the journal before has its priority.
warnings() { inside journalctl --no-pager --output=cat --unit=teleport-jira --identifier=teleport-jira --priority=warning; }
warnings | grep -q '^level=WARN ' || fail "no warning in the journal: $(journal | tail -n 10)"
is "" "$(warnings | grep -Ev '^level=(WARN|ERROR) ' || true)" "warnings that are none, or with a time of their own"
journal | grep -q '^level=INFO ' || fail "nothing but warnings in the journal: $(journal | tail -n 10)"
ok "journalctl -p warning shows the warnings alone"

# The program that runs, whatever file is at its path now.
running() { inside "/proc/$pid/exe" version | cut -d ' ' -f 2; }
# So many starts as there are here would be a fault in the field.
inside systemctl reset-failed teleport-jira
configure "$scratch/both-sides.toml"
is 0 "$(property NRestarts)" "restarts before the hang"
inside sh -c "kill -STOP $pid"
eventually 120 "a restart of the daemon that hangs" replaced
journal | grep -q 'Watchdog timeout' || fail "it was not the watchdog: $(journal | tail -n 20)"
is 1 "$(property NRestarts)" "restarts after the hang"
pid=$(property MainPID)
eventually 60 "work after the hang" at_work
ok "systemd kills and restarts a daemon that hangs"

printf token-of-mine >"$target/etc/teleport-jira/webhook-secret"
is "v$version" "$(running)" "version before the upgrade"
inside timeout 60 dpkg -i /root/newer.deb >"$scratch/dpkg" 2>&1 </dev/null || fail "upgrade at work: $(cat "$scratch/dpkg")"
eventually 60 "the newer daemon's start" replaced
pid=$(property MainPID)
is v99.0.0 "$(running)" "version that runs after the upgrade"
eventually 60 "work after the upgrade" at_work
cmp "$scratch/both-sides.toml" "$target/etc/teleport-jira.toml"
is token-of-mine "$(cat "$target/etc/teleport-jira/webhook-secret")" "secret after an upgrade"
is "640 0:$group" "$(mode_of "$target/etc/teleport-jira.toml")" "configuration after an upgrade at work"
is enabled "$(inside systemctl is-enabled teleport-jira)" "unit after an upgrade"
ok "an upgrade at work runs the newer program, and leaves configuration and secrets"
inside systemctl reset-failed teleport-jira
configure "$scratch/plain.toml"

# The guide's drop-in for a proxy that does TLS: whatever the program's path is.
mkdir -p "$target/etc/systemd/system/teleport-jira.service.d"
awk '/^```ini/ { code = ""; next } /^```/ { if (code ~ /TELEPORT_JIRA_FLAGS/) printf "%s", code; code = "" } { code = code $0 "\n" }' \
	"$root/docs/deploy-linux.md" >"$target/etc/systemd/system/teleport-jira.service.d/override.conf"
grep -q TELEPORT_JIRA_FLAGS "$target/etc/systemd/system/teleport-jira.service.d/override.conf" || fail "the guide has no drop-in"
inside systemctl daemon-reload
inside systemctl --no-block restart teleport-jira
eventually 90 "the start with the drop-in" replaced
is '/usr/bin/teleport-jira start --config /etc/teleport-jira.toml --insecure-no-tls ' \
	"$(inside cat "/proc/$(property MainPID)/cmdline" | tr '\0' ' ')" "what the drop-in starts"
ok "the guide's drop-in starts the packaged program behind a proxy"
rm -r "$target/etc/systemd/system/teleport-jira.service.d"
pid=$(property MainPID)

inside timeout 60 dpkg --purge teleport-jira >"$scratch/dpkg" 2>&1 </dev/null || fail "purge: $(cat "$scratch/dpkg")"
is not-found "$(property LoadState)" "unit after the purge"
[ ! -e "/proc/$(first)/root/proc/$pid" ] || fail "purged, but the daemon runs"
left=$(find "$target/etc" "$target/usr" "$target/var/lib/teleport-jira" "$target/var/log/teleport-jira" \
	-name '*teleport-jira*' 2>/dev/null || true)
[ -z "$left" ] || fail "purged, but there is $left"
ok "a purge stops the daemon and leaves nothing"
