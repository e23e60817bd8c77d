#!/usr/bin/env bash
# Builds the image's static target without an engine, by buildah, looks at what
# is in it, and runs it between the doubles of the sandbox: a request that is
# made there has to come out as an issue on the board, and be decided by moving
# it.
#
#   deploy/test/image.sh SANDBOX METRICS
#
# What the daemon answers to GET /metrics is left in the file METRICS.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

sandbox=$(realpath "${1:?usage: deploy/test/image.sh SANDBOX METRICS}")
metrics=$(realpath -m "${2:?usage: deploy/test/image.sh SANDBOX METRICS}")
command -v buildah >/dev/null || fail "buildah is missing"
buildah() {
	command buildah --storage-driver vfs --root "$scratch/images" --runroot "$scratch/run" "$@"
}

cd "$root"
buildah bud --quiet --isolation chroot --format docker --target static \
	--ignorefile deploy/docker/Dockerfile.dockerignore \
	--file deploy/docker/Dockerfile --tag teleport-jira . >"$scratch/bud" 2>&1 ||
	fail "buildah bud: $(cat "$scratch/bud")"
inspect() { buildah inspect --type image --format "$1" teleport-jira; }
is '[/usr/local/bin/teleport-jira]' "$(inspect '{{.Docker.Config.Entrypoint}}')" "entrypoint"
is '65532:65532' "$(inspect '{{.Docker.Config.User}}')" "user"
is '[CMD /usr/local/bin/teleport-jira health]' "$(inspect '{{.Docker.Config.Healthcheck.Test}}')" "health check"

container=$(buildah from teleport-jira)
mounted=$(buildah mount "$container")
is "$(printf '%s\n' etc/ssl/certs/ca-certificates.crt usr/local/bin/teleport-jira)" \
	"$(cd "$mounted" && find . -type f -printf '%P\n' | sort)" "files in the image"
buildah umount "$container" >/dev/null
buildah run --isolation chroot "$container" -- /usr/local/bin/teleport-jira version
ok "the image holds two files, and runs"

# The sandbox starts this in place of the daemon; its directory is mounted at
# the same path, and made readable for the image's user.
cat >"$scratch/daemon" <<END
#!/bin/bash
dir=\$(dirname "\$3")
grep -q telemetry "\$3" || printf '[telemetry]\nlisten_addr = "127.0.0.1:18094"\n' >>"\$3"
chown -R 65532:65532 "\$dir"
trap 'kill -TERM \$child' TERM
$(command -v buildah) --storage-driver vfs --root "$scratch/images" --runroot "$scratch/run" \\
	run --isolation chroot --volume "\$dir:\$dir:ro" "$container" -- /usr/local/bin/teleport-jira "\$@" &
child=\$!
echo "\$3" >"$scratch/config"
wait
END
chmod +x "$scratch/daemon"
page=127.0.0.1:18093
"$sandbox" --listen "$page" --daemon "$scratch/daemon" >"$scratch/sandbox.log" 2>&1 &
running=$!
trap 'kill $running 2>/dev/null || true; wait $running 2>/dev/null || true; rm -rf "$scratch"' EXIT

until_shown '.daemon.state == "running"' "the daemon's start"
for _ in $(seq 60); do
	[ ! -f "$scratch/config" ] || break
	sleep 0.5
done

post requests '{"user":"dave@example.com","roles":["editor"],"reason":"container"}'
card='.cards[] | select(.request.reason == "container")'
until_shown "$card" "an issue for the request"
ok "the image makes an issue for a request"

issue=$(state | jq --raw-output "$card | .id")
person=$(state | jq --raw-output '.people[0].id')
post "issues/$issue/moves" "{\"person\":\"$person\",\"status\":\"Approved\"}"
until_shown "$card | select(.request.state == \"approved\")" "the decision"
ok "a card that is moved decides the request"

until_answered() {
	for _ in $(seq 60); do
		if curl -sf "$1" >/dev/null; then return; fi
		sleep 0.5
	done
	fail "$1 does not answer"
}
until_answered http://127.0.0.1:18094/readyz
curl -sSf http://127.0.0.1:18094/metrics >"$metrics"
dir=$(dirname "$(cat "$scratch/config")")
health() {
	buildah run --isolation chroot --volume "$dir:$dir:ro" "$container" -- \
		/usr/local/bin/teleport-jira health --config "$(cat "$scratch/config")"
}
is alive "$(health)" "health check"
kill "$running"
wait "$running" 2>/dev/null || true
if health >"$scratch/health" 2>&1; then fail "the health check takes a dead daemon for alive"; fi
ok "the health check tells a live daemon from a dead one"
