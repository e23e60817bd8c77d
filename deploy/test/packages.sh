#!/usr/bin/env bash
# Shows that the packages are the same bytes when they are built a second time
# elsewhere, and installs, starts, removes and purges the .deb in a root of its
# own, made by debootstrap.
#
#   deploy/test/packages.sh DIRECTORY VERSION
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

dist=$(cd "${1:?usage: deploy/test/packages.sh DIRECTORY VERSION}" && pwd)
version=${2:?usage: deploy/test/packages.sh DIRECTORY VERSION}
host=$(dpkg --print-architecture)

(cd "$dist" && sha256sum --quiet --check SHA256SUMS)
ok "the checksums hold"

if [ -z "$(git -C "$root" status --porcelain)" ]; then
	git clone --quiet --no-local "$root" "$scratch/elsewhere"
	sleep 1 # so that a clock that gets into a package shows
	NFPM=$root/build/tools/nfpm SBOM=$root/build/tools/sbom "$scratch/elsewhere/deploy/packages/build" "$version" "$scratch/again" >/dev/null
	diff "$dist/SHA256SUMS" "$scratch/again/SHA256SUMS" || fail "a second build gave other bytes"
	ok "a second build elsewhere gives the same bytes"
else
	echo "skipped: the tree has changes that are not committed, a second build can't be compared"
fi

for arch in amd64 arm64; do
	tar -tzf "$dist/teleport-jira-$version-linux-$arch.tar.gz" >"$scratch/list"
	for file in teleport-jira install.sh teleport-jira.service notify-reload.conf teleport-jira.toml.example \
		teleport-jira.1.gz teleport-jira.bash LICENSE; do
		grep -qx "teleport-jira-$version-linux-$arch/$file" "$scratch/list" || fail "no $file in the archive for $arch"
	done
done
tar -xzf "$dist/teleport-jira-$version-linux-$host.tar.gz" -C "$scratch"
"$root/deploy/test/install.sh" "$scratch/teleport-jira-$version-linux-$host/teleport-jira" >/dev/null
ok "the archives are complete, and install.sh of the unpacked one works"

# links DIRECTORY prints each relative link of the documents in it: the document,
# and the file that it names.
# shellcheck disable=SC2016 # the backquotes are Markdown's
links() {
	find "$1" -name '*.md' | while read -r file; do
		sed '/^ *```/,/^ *```/d' "$file" | { grep -oE '\]\([^)[:space:]]+\)' || true; } |
			sed -E 's/^\]\(//; s/\)$//; s/#.*//' | { grep -vE '^$|^[a-z]+:' || true; } | sed "s#^#$file #"
	done
}

dpkg-deb -x "$dist/teleport-jira_$version-1_$host.deb" "$scratch/deb"
for tree in "$scratch/teleport-jira-$version-linux-$host" "$scratch/deb/usr/share/doc/teleport-jira"; do
	links "$tree" >"$scratch/links"
	[ "$(wc -l <"$scratch/links")" -gt 50 ] || fail "the documents are not all in $tree"
	while read -r file link; do
		[ -e "$(dirname "$file")/$link" ] || fail "$file links to $link, which is not there"
	done <"$scratch/links"
done
ok "the documents' links lead to files, in archive and package"

if command -v rpm >/dev/null; then
	rpm -K --nosignature "$dist/teleport-jira-$version-1.x86_64.rpm" >/dev/null || fail "the rpm is broken"
	rpm -qp --scripts "$dist/teleport-jira-$version-1.x86_64.rpm" 2>/dev/null | grep -q 'systemd-sysusers' ||
		fail "the rpm has no scripts"
	ok "rpm reads the rpm"
fi

target=$scratch/target
debian_root "$target"
inside() { chroot "$target" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

cp "$dist/teleport-jira_$version-1_$host.deb" "$target/tmp/new.deb"
inside dpkg -i /tmp/new.deb >"$scratch/dpkg.log" 2>&1 || fail "dpkg -i: $(cat "$scratch/dpkg.log")"
gid=$(inside getent group teleport-jira | cut -d: -f3)
uid=$(inside id -u teleport-jira)
is "640 0:$gid" "$(mode_of "$target/etc/teleport-jira.toml")" "configuration"
is "700 0:0" "$(mode_of "$target/etc/teleport-jira")" "secrets"
is "600 0:0" "$(mode_of "$target/etc/teleport-jira/jira-token")" "token"
is "750 $uid:$gid" "$(mode_of "$target/var/lib/teleport-jira")" "state"
unit=$target/usr/lib/systemd/system/teleport-jira.service
# shellcheck disable=SC2016 # the variable is systemd's
grep -qx 'ExecStart=/usr/bin/teleport-jira start --config /etc/teleport-jira.toml $TELEPORT_JIRA_FLAGS' "$unit" ||
	fail "the unit starts another program"
grep -q 'systemctl enable --now teleport-jira' "$scratch/dpkg.log" || fail "no next step: $(cat "$scratch/dpkg.log")"
ok "the .deb installs, and says what comes next"

sed -n 's#^Documentation=file://##p' "$unit" >"$scratch/documentation"
[ -s "$scratch/documentation" ] || fail "the packaged unit names no document"
while read -r file; do
	[ -e "$target$file" ] || fail "the unit names $file, which is not there"
done <"$scratch/documentation"
is man:teleport-jira'(1)' "$(sed -n 's/^Documentation=\(man:.*\)/\1/p' "$unit")" "manual page of the unit"
gzip -dc "$target/usr/share/man/man1/teleport-jira.1.gz" | cmp - <(inside teleport-jira --help-man)
cmp "$target/usr/share/bash-completion/completions/teleport-jira" <(inside teleport-jira --completion-script-bash)
# shellcheck disable=SC2016 # it is the inner bash's
is 'check configure ' "$(inside bash -c '. /usr/share/bash-completion/completions/teleport-jira
	COMP_WORDS=(teleport-jira c) COMP_CWORD=1; _teleport-jira_bash_autocomplete
	printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "')" "what c is completed to"
ok "the unit's documents are there, and manual page and completion are the program's"

inside teleport-jira version | grep -q "^teleport-jira v$version git:[0-9a-f]\{7\} go" || fail "version"
cmp <(inside teleport-jira configure) "$target/etc/teleport-jira.toml"
# The example's empty values are faults, each with its place; as the daemon's
# user it can be read.
if inside su -s /bin/sh teleport-jira -c 'teleport-jira start' >"$scratch/start" 2>&1; then
	fail "started with an empty configuration"
fi
grep -q '^/etc/teleport-jira.toml:[0-9]*: jira.api_token' "$scratch/start" ||
	fail "start says: $(cat "$scratch/start")"
ok "the installed program runs as its user and reads its configuration"

echo '# mine' >>"$target/etc/teleport-jira.toml"
echo secret >"$target/etc/teleport-jira/jira-token"
inside dpkg -i /tmp/new.deb >"$scratch/dpkg.log" 2>&1 || fail "upgrade: $(cat "$scratch/dpkg.log")"
is '# mine' "$(tail -n 1 "$target/etc/teleport-jira.toml")" "configuration after an upgrade"
is secret "$(cat "$target/etc/teleport-jira/jira-token")" "token after an upgrade"
inside dpkg -r teleport-jira >/dev/null 2>&1
[ ! -e "$target/usr/bin/teleport-jira" ] || fail "removed, but the program is there"
[ -e "$target/etc/teleport-jira/jira-token" ] || fail "removed, and the token with it"
inside dpkg --purge teleport-jira >/dev/null 2>&1
left=$(find "$target/etc" "$target/usr" "$target/var/lib/teleport-jira" "$target/var/log" \
	-name '*teleport-jira*' 2>/dev/null || true)
[ -z "$left" ] || fail "purged, but there is $left"
inside getent passwd teleport-jira >/dev/null && fail "purged, but the user is there"
ok "upgrade and removal keep what is the operator's, purge leaves nothing"

# The existing plugin's configuration, of root alone. Nobody is there to answer a
# question.
echo 'existing = true' >"$target/etc/teleport-jira.toml"
chmod 600 "$target/etc/teleport-jira.toml"
inside dpkg -i /tmp/new.deb </dev/null >"$scratch/dpkg.log" 2>&1 ||
	fail "dpkg -i beside a configuration: $(cat "$scratch/dpkg.log")"
is 'existing = true' "$(cat "$target/etc/teleport-jira.toml")" "configuration that was there before"
inside su -s /bin/sh teleport-jira -c 'cat /etc/teleport-jira.toml' >/dev/null ||
	fail "the daemon can't read the configuration that was there before"
cmp "$root/teleport-jira.toml.example" "$target/usr/share/doc/teleport-jira/teleport-jira.toml.example"
# shellcheck disable=SC2016 # it is dpkg's
is "" "$(inside dpkg-query --show --showformat='${Conffiles}' teleport-jira)" "files that dpkg asks about"
# What an operator has tightened stays so.
chmod 600 "$target/etc/teleport-jira.toml"
inside dpkg -i /tmp/new.deb </dev/null >/dev/null 2>&1 || fail "dpkg -i a second time"
is 600 "$(stat -c %a "$target/etc/teleport-jira.toml")" "mode of the configuration after an upgrade"
ok "a configuration that is there already is kept, without a question"

# Whether the unit is Type=notify-reload depends on the systemd that is there.
dropin=$target/usr/lib/systemd/system/teleport-jira.service.d/notify-reload.conf
for number in 252 253 257.7; do
	printf '#!/bin/sh\necho "systemd %s (%s-1)"\n' "$number" "$number" >"$target/usr/bin/systemctl"
	chmod +x "$target/usr/bin/systemctl"
	inside dpkg --purge teleport-jira >/dev/null 2>&1
	[ ! -e "$(dirname "$dropin")" ] || fail "purged, but the drop-in is there"
	inside dpkg -i /tmp/new.deb </dev/null >/dev/null 2>&1 || fail "dpkg -i with systemd $number"
	is "$([ "$number" = 252 ] || echo yes)" "$([ ! -e "$dropin" ] || echo yes)" "drop-in with systemd $number"
done
grep -qx 'Type=notify-reload' "$dropin" || fail "the drop-in sets no type"
ok "systemd 253 and newer get Type=notify-reload"
