#!/bin/sh
# Installs teleport-jira on a Linux host with systemd, or removes it. It may be
# run again at any time: what is there already is kept or brought up to date.
#
#   install.sh [--binary FILE] [--prefix DIR] [--root DIR]
#   install.sh --uninstall [--purge] [--prefix DIR] [--root DIR]
#
#   --binary FILE   the program; by default the one beside this script, or
#                   build/teleport-jira of a source tree
#   --prefix DIR    where bin/teleport-jira goes (/usr/local)
#   --root DIR      install below DIR as if it were /; nothing is started
#   --uninstall     remove program, man page and unit; keep the configuration, the
#                   secrets, what the daemon wrote, and the user
#   --purge         with --uninstall: remove those as well, and the user
set -eu

name=teleport-jira
prefix=/usr/local
root=
binary=
uninstall=
purge=

fail() {
	echo "install.sh: $*" >&2
	exit 1
}

# usage prints the comment that this script begins with.
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

while [ $# -gt 0 ]; do
	case $1 in
	--binary | --prefix | --root)
		[ -n "${2-}" ] || fail "$1 needs a value"
		case $1 in
		--binary) binary=$2 ;;
		--prefix) prefix=${2%/} ;;
		--root) root=${2%/} ;;
		esac
		shift
		;;
	--uninstall) uninstall=yes ;;
	--purge) purge=yes ;;
	-h | --help) usage && exit 0 ;;
	*) fail "unknown option $1, try --help" ;;
	esac
	shift
done
case $root in '' | /*) ;; *) root=$PWD/$root ;; esac
case $prefix in /*) ;; *) fail "--prefix must be an absolute path, not $prefix" ;; esac
[ -z "$purge" ] || [ -n "$uninstall" ] || fail "--purge goes with --uninstall"
[ "$(id -u)" = 0 ] || fail "must be run as root"

here=$(cd "$(dirname "$0")" && pwd)
program=$root$prefix/bin/$name
unit=$root/etc/systemd/system/$name.service
dropin=$unit.d/notify-reload.conf
man=$root$prefix/share/man/man1/$name.1
completion=$root$prefix/share/bash-completion/completions/$name
sysusers=$root/etc/sysusers.d/$name.conf
config=$root/etc/$name.toml
secrets=$root/etc/$name
state=$root/var/lib/$name
logs=$root/var/log/$name

# live says whether this is the running system with systemd at work.
live() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# locate prints the first file that exists: that of an unpacked archive, or of
# a source tree.
locate() {
	for file in "$@"; do
		[ ! -f "$file" ] || { echo "$file" && return 0; }
	done
	fail "none of these is there: $*"
}

# numeric prints the id of the daemon's user or group in the root: the names
# there are not those of the system that this runs on.
numeric() { awk -F : -v n="$name" '$1 == n { print $3; exit }' "$root/etc/$1"; }

make_user() {
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers ${root:+"--root=$root"} "$sysusers"
	else
		grep -q "^$name:" "$root/etc/passwd" 2>/dev/null ||
			useradd ${root:+--prefix "$root"} --system --user-group --no-create-home \
				--home-dir "/var/lib/$name" --shell /usr/sbin/nologin "$name"
	fi
	[ -n "$(numeric passwd)" ] || fail "the user $name could not be made"
}

# keep makes a file unless it is there; what an operator wrote is never touched.
# keep MODE GROUP FROM TO
keep() { [ -e "$4" ] || install -m "$1" -o 0 -g "$2" "$3" "$4"; }

# place_dropin makes the unit Type=notify-reload where the systemd that will run
# it is known to understand that: this host's, in the running system.
place_dropin() {
	version=$(systemctl --version 2>/dev/null | awk 'NR == 1 { print int($2) }')
	if [ -z "$root" ] && [ "${version:-0}" -ge 253 ]; then
		mkdir -p "$(dirname "$dropin")"
		install -m 644 -o 0 -g 0 "$(locate "$here/notify-reload.conf" "$here/systemd/notify-reload.conf")" "$dropin"
	fi
}

# document writes the man page and the shell completion, which the program
# prints itself.
document() {
	mkdir -p "$(dirname "$man")" "$(dirname "$completion")"
	if ! "$program" --help-man >"$man" || ! "$program" --completion-script-bash >"$completion"; then
		echo "install.sh: $program does not run here: no man page and no shell completion" >&2
		rm -f "$man" "$completion"
	fi
}

install_all() {
	binary=${binary:-$(locate "$here/$name" "$here/../build/$name")}
	[ -f "$binary" ] || fail "no such file: $binary"
	mkdir -p "$root/etc/systemd/system" "$root/etc/sysusers.d" "$root$prefix/bin"
	# A configuration without a unit of this installer is the existing plugin's:
	# it has to be readable for the daemon's user.
	migrated=
	[ -e "$sysusers" ] || [ ! -e "$config" ] || migrated=yes

	install -m 644 -o 0 -g 0 "$(locate "$here/$name.sysusers" "$here/systemd/$name.sysusers")" "$sysusers"
	make_user
	user=$(numeric passwd) group=$(numeric group)

	# By rename, so that a running daemon keeps the file that it was started from.
	install -m 755 -o 0 -g 0 "$binary" "$program.new"
	mv -f "$program.new" "$program"
	from=$(locate "$here/$name.service" "$here/systemd/$name.service")
	sed "s#^ExecStart=/usr/local/bin/#ExecStart=$prefix/bin/#" "$from" >"$unit.new"
	chmod 644 "$unit.new"
	mv -f "$unit.new" "$unit"

	place_dropin
	document

	install -d -m 750 -o "$user" -g "$group" "$state" "$logs"
	install -d -m 700 -o 0 -g 0 "$secrets"
	keep 600 0 /dev/null "$secrets/jira-token"
	keep 600 0 /dev/null "$secrets/webhook-secret"
	keep 640 "$group" "$(locate "$here/$name.toml.example" "$here/../$name.toml.example")" "$config"

	if [ -n "$migrated" ]; then
		chgrp "$group" "$config"
		chmod g+r "$config"
	fi

	if live; then
		systemctl daemon-reload
		systemctl --quiet --no-block try-restart "$name"
	fi
	cat <<-END
		$name is installed; where it ran it is being restarted. To set it up:
		  1. edit $config (man $name; $name configure explains each key)
		  2. put the Jira token into $secrets/jira-token
		  3. systemctl enable --now $name
	END
}

remove_all() {
	if live; then
		systemctl --quiet disable --now "$name" 2>/dev/null || true
	fi
	rm -f "$program" "$unit" "$dropin" "$man" "$completion" "$sysusers"
	rmdir "$unit.d" 2>/dev/null || true
	if live; then
		systemctl daemon-reload
	fi
	if [ -z "$purge" ]; then
		echo "removed; kept: $config $secrets $state $logs"
		return
	fi
	rm -rf "$config" "$secrets" "$state" "$logs"
	for file in passwd group shadow gshadow; do
		[ ! -f "$root/etc/$file" ] || sed -i "/^$name:/d" "$root/etc/$file"
	done
	echo "removed with its configuration, secrets, state, logs and user"
}

if [ -n "$uninstall" ]; then
	remove_all
else
	install_all
fi
