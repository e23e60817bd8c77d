#!/usr/bin/env bash
# Follows the README's first commands to the letter in a root that has nothing
# but Debian's base, git, make and Go. What Go has downloaded and compiled here
# already is lent to it, to save time.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

# The mounts below must not be there when the scratch directory is removed: they
# are made in namespaces of the inner process, and gone when it ends, and all
# that it started with it. Only the outer process removes.
if [ "${1:-}" != inner ]; then
	unshare --mount --propagation private --pid --fork --kill-child "$0" inner "$scratch"
	exit
fi
trap - EXIT
rmdir "$scratch"
scratch=$2

target=$scratch/target
debian_root "$target"
git clone --quiet --no-local "$root" "$target/src"
for dir in "$(go env GOROOT)" "$(go env GOMODCACHE)" "$(go env GOCACHE)"; do
	mkdir -p "$dir" "$target$dir"
	mount --bind "$dir" "$target$dir"
done
mount -t proc proc "$target/proc"
mount --bind /dev "$target/dev"
cp /etc/resolv.conf "$target/etc/"
# There we are root.
cat >"$target/usr/bin/sudo" <<'END'
#!/bin/sh
exec "$@"
END
chmod +x "$target/usr/bin/sudo"

# follow runs one line of the README in the root; the line has to stand there.
follow() {
	grep -qE "^(   )?    $1( +#.*)?\$" "$root/README.md" || fail "the README does not say: $1"
	chroot "$target" /usr/bin/env HOME=/home GOPROXY="$(go env GOPROXY)" GOSUMDB="$(go env GOSUMDB)" \
		GOMODCACHE="$(go env GOMODCACHE)" GOCACHE="$(go env GOCACHE)" DEMO_ADDR=127.0.0.1:18095 \
		PATH="/usr/local/bin:/usr/bin:/bin:$(go env GOROOT)/bin" \
		sh -c "cd /src && $1" >"$scratch/said" 2>&1
}
followed() { follow "$1" || fail "$1: $(tail -n 20 "$scratch/said")"; }

followed 'make build'
followed 'sudo install -m 755 build/teleport-jira /usr/local/bin/'
followed 'teleport-jira version'
grep -q '^teleport-jira v' "$scratch/said" || fail "version: $(cat "$scratch/said")"
followed 'teleport-jira configure > teleport-jira.toml'
cmp "$root/teleport-jira.toml.example" "$target/src/teleport-jira.toml"
ok "the README's way to an installed program"

follow 'make demo' &
for _ in $(seq 120); do
	if curl -sf http://127.0.0.1:18095/ >"$scratch/page"; then break; fi
	sleep 0.5
done
grep -qi '<html' "$scratch/page" || fail "make demo shows no page: $(cat "$scratch/said")"
ok "make demo shows its page"
