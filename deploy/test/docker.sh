#!/usr/bin/env bash
# Builds the image's static target with Docker, runs it as the guide says, with a
# read-only root, between the doubles of the sandbox, and sees how the container
# does: an issue for a request, health, reloads by a signal, the end.
#
#   deploy/test/docker.sh SANDBOX
#
# The engine is Debian's, started here with directories of its own, so that it
# has nothing to do with one that runs already. Where it can't run this says why:
# deploy/test/image.sh tries the image without an engine.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox=$(realpath "${1:?usage: deploy/test/docker.sh SANDBOX}")
skip() { echo "skipped: the image in Docker: $*; image.sh tries it with buildah" && exit 0; }
# Debian's client: there may be others that can't talk to its engine.
docker() { DOCKER_CONFIG=$scratch/client DOCKER_BUILDKIT=1 /usr/bin/docker --host "unix://$scratch/engine/socket" "$@"; }

[ "$(id -u)" = 0 ] || skip "this is not root"
[ -x /usr/sbin/dockerd ] || skip "the engine is missing: install docker.io"
[ -x /usr/bin/docker ] || skip "the client is missing: install docker-cli and docker-buildx"

sides='' engine=''
# end stops what this script has started; the engine's mounts go with it.
end() {
	docker rm --force trial >/dev/null 2>&1 || true
	for process in $sides $engine; do
		{ kill "$process" && wait "$process"; } 2>/dev/null || true
	done
	rm -rf "$scratch"
}
trap end EXIT

mkdir "$scratch/engine" "$scratch/client"
unshare --mount --propagation private /usr/sbin/dockerd --host "unix://$scratch/engine/socket" \
	--data-root "$scratch/engine/data" --exec-root "$scratch/engine/run" --pidfile "$scratch/engine/pid" \
	--containerd-namespace teleport-jira-test --containerd-plugins-namespace teleport-jira-test-plugins \
	--storage-driver vfs --iptables=false --ip6tables=false --bridge none >"$scratch/engine.log" 2>&1 &
engine=$!
for _ in $(seq 60); do
	if docker version >/dev/null 2>&1 || ! kill -0 "$engine" 2>/dev/null; then break; fi
	sleep 0.5
done
docker version >/dev/null 2>&1 || skip "the engine does not start: $(tail -n 1 "$scratch/engine.log")"
# Whether it can run anything at all, without the image.
tar -C "$root/build" -c teleport-jira | docker import - bare >/dev/null
docker run --rm --network host bare /teleport-jira version >"$scratch/bare" 2>&1 ||
	skip "the engine can't run a container: $(tail -n 1 "$scratch/bare")"

cd "$root"
docker build --quiet --file deploy/docker/Dockerfile --target static --tag teleport-jira . >"$scratch/build" 2>&1 ||
	fail "docker build: $(cat "$scratch/build")"
docker run --rm teleport-jira version >"$scratch/version" 2>&1 || fail "version: $(cat "$scratch/version")"
grep -q '^teleport-jira v' "$scratch/version" || fail "version: $(cat "$scratch/version")"
docker create --name trial teleport-jira >/dev/null
is "etc/ssl/certs/ca-certificates.crt usr/local/bin/teleport-jira" \
	"$(docker export trial | tar -t | grep -v -e '/$' -e ^dev/ -e ^.dockerenv -e '^etc/\(hostname\|hosts\|mtab\|resolv.conf\)$' | sort | paste -sd ' ')" \
	"files in the image"
docker rm trial >/dev/null
ok "Docker builds the image, of two files, and runs it"

both_sides "$sandbox" 127.0.0.1:18099

# As the guide has it: the configuration as a file, the identity below
# /run/secrets, both for the image's user alone. The files are written anew in
# place: a single file that is mounted stays the one that it was.
install -d -m 700 "$scratch/mounted"
install -m 400 -o 65532 -g 65532 "$scratch/given/identity" "$scratch/mounted/identity"
install -m 400 -o 65532 -g 65532 /dev/null "$scratch/mounted/teleport-jira.toml"
sed -e 's#^identity *=.*#identity = "/run/secrets/identity"#' "$scratch/given/teleport-jira.toml" >"$scratch/plain.toml"
grep -q '^identity = "/run/secrets/identity"$' "$scratch/plain.toml" || fail "no identity in the sandbox's configuration"
# configure WORD makes a configuration the container's that puts the word before
# each summary.
configure() {
	{
		cat "$scratch/plain.toml"
		printf '\n[telemetry]\nlisten_addr = "127.0.0.1:18100"\n'
		printf '\n[jira.issue]\nsummary = "%s {{.Reason}}"\n' "$1"
	} >"$scratch/mounted/teleport-jira.toml"
}
configure first
# The health check is the image's own, more often.
docker run --detach --name trial --read-only --network host --cap-drop ALL --security-opt no-new-privileges \
	--stop-timeout 20 --health-interval 1s --health-retries 1 \
	--volume "$scratch/mounted/teleport-jira.toml:/etc/teleport-jira.toml:ro" \
	--volume "$scratch/mounted/identity:/run/secrets/identity:ro" \
	teleport-jira start --insecure-no-tls >"$scratch/run" 2>&1 || fail "docker run: $(cat "$scratch/run")"

# eventually SECONDS WHAT COMMAND… repeats the command until it succeeds.
eventually() {
	local until=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] ||
			fail "$what did not come to pass: $(docker inspect --format '{{json .State}}' trial; docker logs trial 2>&1 | tail -n 20)"
		sleep 0.5
	done
}
inspect() { docker inspect --format "$1" trial; }
health_is() { [ "$(inspect '{{.State.Health.Status}}')" = "$1" ]; }
# says TIMES TEXT whether the log has the text so many times.
says() { [ "$(docker logs trial 2>&1 | grep -c -- "$2")" = "$1" ]; }
# makes_issue SUMMARY REASON wants an issue for a request.
makes_issue() {
	post requests "{\"user\":\"dave@example.com\",\"roles\":[\"editor\"],\"reason\":\"$2\"}"
	eventually 30 "an issue \"$1\"" shown ".cards[] | select(.summary == \"$1\")"
}

makes_issue 'first request' request
is true "$(inspect '{{.HostConfig.ReadonlyRootfs}}')" "read-only root"
ok "the container makes an issue for a request, its root read-only"

eventually 60 "health" health_is healthy
docker kill --signal STOP trial >/dev/null
eventually 60 "a hung daemon's ill health" health_is unhealthy
docker kill --signal CONT trial >/dev/null
eventually 60 "health after a hang" health_is healthy
ok "the image's health check turns healthy, and unhealthy while the daemon hangs"

configure second
docker kill --signal HUP trial >/dev/null
eventually 30 "a reload" says 1 '"\?configuration reloaded"\?'
makes_issue 'second good' good
configure third
echo 'tokn = 1' >>"$scratch/mounted/teleport-jira.toml"
docker kill --signal HUP trial >/dev/null
eventually 30 "a refusal of the faulty file" says 1 'configuration not reloaded, the old one stays in use.*tokn'
makes_issue 'second faulty' faulty
is "true 0" "$(inspect '{{.State.Running}} {{.RestartCount}}')" "the container after its reloads"
ok "HUP takes up a changed file, and a faulty one is said and leaves the old settings"

# Past the grace time Docker would kill it, which is the code 137.
began=$SECONDS
docker stop trial >/dev/null
took=$((SECONDS - began))
is "exited 0 false" "$(inspect '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}')" "the container after docker stop"
[ "$took" -le 20 ] || fail "docker stop took $took s"
ok "docker stop ends it with code 0, in $took s"
