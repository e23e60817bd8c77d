#!/usr/bin/env bash
# Makes a release of the last commit twice, in two clones with other names, times
# and settings of the shell, and wants the same bytes; and that each bill of
# materials is the one of the program beside it, by what Go says of that.
#
#   deploy/test/release.sh
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

version=1.2.3-rc.1 package=1.2.3~rc.1
unset MAKEFLAGS MAKEOVERRIDES MAKELEVEL
# release DIRECTORY makes a release there, its tools with it.
release() {
	git clone --quiet --no-local "$root" "$1"
	make -C "$1" release "VERSION=$version" >"$scratch/made" 2>&1 || fail "make release: $(tail -n 20 "$scratch/made")"
}
release "$scratch/one"
sleep 1 # so that a clock that gets into a file shows
(umask 077 && TZ=Asia/Kathmandu LC_ALL=C.UTF-8 HOSTNAME=elsewhere release "$scratch/a directory/of another depth")
made=$scratch/one/dist/v$version
diff --recursive "$made" "$scratch/a directory/of another depth/dist/v$version" >"$scratch/differences" ||
	fail "a second release has other bytes: $(cat "$scratch/differences")"
ok "two releases in two directories are the same bytes"

(cd "$made" && sha256sum --quiet --strict --check SHA256SUMS) || fail "checksums"
is "$(cd "$made" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort)" \
	"$(awk '{ print $2 }' "$made/SHA256SUMS" | sort)" "files that the checksums are of"
ok "each of the $(wc -l <"$made/SHA256SUMS") files has its checksum"

time=$(date --utc --date="@$(git -C "$root" log -1 --format=%ct)" +%Y-%m-%dT%H:%M:%SZ)
for arch in amd64 arm64; do
	base=teleport-jira-$version-linux-$arch
	bill=$made/$base.cdx.json
	tar -xzf "$made/$base.tar.gz" -C "$scratch" "$base/teleport-jira"
	program=$scratch/$base/teleport-jira
	# A replaced module is followed by what stands in for it.
	go version -m "$program" | awk -F '\t' '
		NR == 1 { sub(/.* go/, ""); print "std " $0 }
		$2 == "dep" { modules[++n] = $3 " " $4 }
		$2 == "=>" { modules[n] = $3 " " $4 }
		END { for (i = 1; i <= n; i++) print modules[i] }' | sort >"$scratch/modules"
	[ "$(wc -l <"$scratch/modules")" -gt 20 ] || fail "go version -m says little: $(cat "$scratch/modules")"
	jq --raw-output '.components[] | .name + " " + .version' "$bill" | sort | diff "$scratch/modules" - >"$scratch/differences" ||
		fail "modules of the program (<) and in its bill (>): $(cat "$scratch/differences")"
	is "CycloneDX 1.6 teleport-jira $version $time $(sha256sum "$program" | cut -d ' ' -f 1)" \
		"$(jq --raw-output '[.bomFormat, .specVersion, (.metadata | .component.name, .component.version, .timestamp,
			.component.hashes[0].content)] | join(" ")' "$bill")" "the bill of $arch"
	# What names another part of the bill has to find it, and nothing is there twice.
	jq --exit-status '[.metadata.component, .components[]] | map(."bom-ref") as $refs
		| ($refs | length == (unique | length)) and map(.purl) == $refs' "$bill" >/dev/null || fail "parts of the bill of $arch"
	jq --exit-status '([.metadata.component, .components[]] | map(."bom-ref")) as $refs
		| [.dependencies[] | .ref, .dependsOn[]?] - $refs == [] and (.dependencies[0].dependsOn == $refs[1:])' \
		"$bill" >/dev/null || fail "dependencies in the bill of $arch"
	case $arch in amd64) rpm=x86_64 ;; *) rpm=aarch64 ;; esac
	dpkg-deb --fsys-tarfile "$made/teleport-jira_$package-1_$arch.deb" | tar -xO ./usr/bin/teleport-jira | cmp - "$program"
	[ -s "$made/teleport-jira-$package-1.$rpm.rpm" ] || fail "no rpm for $arch"
	given=$(dpkg-deb --field "$made/teleport-jira_$package-1_$arch.deb" Version)
	dpkg --compare-versions "$given" lt 1.2.3-1 || fail "the candidate's version $given is not older than the release's"
	ok "the bill of $arch lists the $(wc -l <"$scratch/modules") modules of its program"
done
