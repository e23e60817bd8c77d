#!/usr/bin/env bash
# Lints the Helm chart, renders it with each values file in deploy/helm/ci,
# decodes the manifests strictly with the types of the Kubernetes API, and gives
# the rendered configurations to the daemon's own loader.
#
#   deploy/test/chart.sh HELM VERIFY
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

helm=$(realpath "${1:?usage: deploy/test/chart.sh HELM VERIFY}")
verify=$(realpath "${2:?usage: deploy/test/chart.sh HELM VERIFY}")
cd "$root/deploy/helm"
# As it is in the archive: with the alerts and the dashboard in place of links,
# of which Helm would speak each time.
chart=$scratch/teleport-plugin-jira
cp -RL teleport-plugin-jira "$chart"
render() { "$helm" template trial "$chart" --namespace access --kube-version 1.31 "$@"; }

mkdir "$scratch/configs" "$scratch/one"
for values in ci/*.yaml; do
	name=$(basename "$values" .yaml)
	"$helm" lint --strict "$chart" --kube-version 1.31 --values "$values" >"$scratch/lint" ||
		fail "helm lint with $values: $(cat "$scratch/lint")"
	render --values "$values" >"$scratch/manifests" || fail "helm template with $values"
	"$verify" -configs "$scratch/one" <"$scratch/manifests" >"$scratch/kinds" || fail "decoding, with $values"
	mv "$scratch"/one/*.toml "$scratch/configs/$name.toml"
	ok "$name: $(grep -o '[A-Z][A-Za-z]* ' "$scratch/kinds" | tr -d '\n')"
done

(cd "$root" && CHART_CONFIGS=$scratch/configs go test -count=1 ./deploy/helm)
ok "the daemon's loader takes every rendered configuration"

# refuses WHAT SAID ARGUMENT… wants a rendering to fail and to say why.
refuses() {
	local what=$1 said=$2
	shift 2
	if render "$@" >/dev/null 2>"$scratch/error"; then fail "took $what"; fi
	grep -q "$said" "$scratch/error" || fail "$what: $(cat "$scratch/error")"
}
# table prints the table of values of the chart's README: what the schema says of
# each value that is not a group.
table() {
	printf '| value | meaning |\n|---|---|\n'
	jq -r 'def leaves($p): to_entries[] | ($p + .key) as $path |
		if .value.properties then (.value.properties | leaves($path + "."))
		else "| `\($path)` | \(.value.description) |" end;
		.properties | leaves("")' "$chart/values.schema.json"
}

good=(--values ci/poll-only.yaml)
refuses "no values" "image.repository must be set, to where you have pushed the image"
refuses "no address" "teleport.address must be set" "${good[@]}" --set teleport.address=
refuses "an unknown value" "tokn" "${good[@]}" --set jira.tokn=x
refuses "an unknown mode" "review" "${good[@]}" --set review.mode=yes
refuses "a port that is no number" "replicas" "${good[@]}" --set replicas=two
refuses "no certificate" "http.tlsFromSecret must be set" "${good[@]}" --set http.enabled=true
refuses "two identities" "either" "${good[@]}" --set tbot.enabled=true
refuses "two addresses of tbot" "either tbot.teleportProxyAddress or" --values ci/tbot.yaml \
	--set tbot.teleportProxyAddress=a:443 --set tbot.teleportAuthAddress=b:3025
refuses "a log in a read-only root" "the container's root is read-only" "${good[@]}" --set log.output=/var/log/jira.log
refuses "a log on a read-only volume" "the container's root is read-only" --values ci/everything.yaml \
	--set 'volumeMounts[0].name=logs,volumeMounts[0].mountPath=/var/log/teleport-jira,volumeMounts[0].readOnly=true'
refuses "objects of Teleport's operator" "crd.create is not supported" "${good[@]}" --set crd.create=true
for what in serviceMonitor prometheusRule dashboard; do
	refuses "$what without metrics" "$what.enabled needs telemetry.enabled" "${good[@]}" --set "$what.enabled=true"
done
ok "values that are unknown, wrong or missing are refused, each with its reason"

# Pods are replaced when what they read at start changes.
sum() { render "${good[@]}" "$@" | sed -n 's/^ *checksum\/config: //p'; }
[ "$(sum)" != "$(sum --set jira.issueType=Access)" ] || fail "a changed configuration makes no new pods"
is "$(sum)" "$(sum --set replicas=5)" "checksum of an unchanged configuration"
ok "a changed configuration makes new pods"

is ClusterIP "$(render --values ci/tbot.yaml | awk '/^kind: Service$/ { s = 1 } s && /^  type:/ { print $2; exit }')" "service type"
render --values ci/existing-chart.yaml | grep -q 'aws-load-balancer-type: nlb' || fail "chartMode aws has no effect"
ok "the existing chart's values mean what they meant"

# has WHAT PATTERN ARGUMENT… wants a line in a rendering.
has() {
	local what=$1 pattern=$2
	shift 2
	render "$@" >"$scratch/rendered"
	grep -Eq -- "$pattern" "$scratch/rendered" || fail "$what: no line $pattern with $*"
}
# lacks WHAT PATTERN ARGUMENT… wants none.
lacks() {
	local what=$1 pattern=$2
	shift 2
	render "$@" >"$scratch/rendered"
	! grep -Eq -- "$pattern" "$scratch/rendered" || fail "$what: a line $pattern with $*"
}

has "the daemon's address" '^ +addr = "teleport.example.com:3080"$' --values ci/existing-chart-tbot.yaml
has "tbot 14's address" '^ +auth_server: "teleport.example.com:3080"$' --values ci/existing-chart-tbot.yaml
has "tbot 18's address" '^ +proxy_server: "teleport.example.com:443"$' --values ci/tbot.yaml
has "tbot's own address" '^ +auth_server: "auth.example.com:3025"$' --values ci/tbot.yaml --set tbot.teleportAuthAddress=auth.example.com:3025
ok "tbot's addresses of the existing chart are mapped"

# A workflow without the status Approved needs no other setting than that.
lacks "a status for promoted requests" '^ +promoted = ' "${good[@]}" --set jira.statuses.approved=Freigegeben
has "a status for promoted requests" '^ +promoted = "Done"$' --values ci/everything.yaml
ok "promoted requests follow approved ones unless they have a status"

# ports ARGUMENT… prints the TCP ports that the NetworkPolicy lets out.
ports() {
	render "$@" --set networkPolicy.enabled=true --show-only templates/networkpolicy.yaml |
		sed -n '/^  egress:/,$ s/^ *- port: //p' | sort -nu | tr '\n' ' '
}
is '53 443 ' "$(ports "${good[@]}")" "ports of Jira Cloud and a Proxy Service on 443"
is '53 443 3025 8443 ' "$(ports "${good[@]}" --set jira.url=https://jira.example.com:8443/jira \
	--set teleport.address=auth.example.com:3025 --set 'networkPolicy.egressPorts={443}')" "ports that are named"
is '53 443 3024 3080 ' "$(ports --values ci/existing-chart-tbot.yaml)" "ports of a Proxy Service with separate ones"
ok "outgoing ports follow from the addresses"

for probe in livenessProbe readinessProbe; do
	is 1 "$(render "${good[@]}" | grep -c "^ *$probe:")" "$probe without telemetry"
done
is 2 "$(render "${good[@]}" | grep -c '^ *command: \[/usr/local/bin/teleport-jira, health,')" "probes that run the program"
lacks "probes with telemetry" '^ *exec:' --values ci/tbot.yaml
ok "probes stay without telemetry"

render --values ci/everything.yaml >"$scratch/everything"
objects=$(grep -c '^kind:' "$scratch/everything")
# As many again: the pods of the Deployment, which are no object of the chart.
is "$((objects + 1))" "$(grep -c '^ *example.com/team: access$' "$scratch/everything")" "objects with commonLabels"
lacks "a label of the chart's own" 'not-this' --values ci/everything.yaml
is 1 "$(grep -c '^ *example.com/tier: backend$' "$scratch/everything")" "pods with podLabels"
grep -q '^  groups:$' "$scratch/everything" || fail "the PrometheusRule has no groups"
is "$(grep -c 'alert:' ../prometheus/alerts.yaml)" "$(grep -c ' alert:' "$scratch/everything")" "alerts"
render --values ci/everything.yaml --show-only templates/dashboard.yaml | sed -n '/teleport-jira.json: |/,$ s/^    //p' |
	jq -e --slurpfile want ../grafana/dashboard.json '. == $want[0]' >/dev/null || fail "another dashboard"
ok "labels, alerts and dashboard arrive"

# The pod of `helm test` is none of the Service's, and checks what the daemon has.
render --values ci/ingress.yaml --show-only templates/tests/check.yaml >"$scratch/check"
grep -q 'helm.sh/hook: test' "$scratch/check" || fail "helm test has nothing to run"
grep -q '^ *app.kubernetes.io/name: teleport-plugin-jira-check$' "$scratch/check" || fail "webhooks reach the pod of helm test"
is 'check --config /etc/teleport-jira.toml --insecure-no-tls ' \
	"$(sed -n '/^      args:/,/imagePullPolicy/ s/^ *- //p' "$scratch/check" | tr '\n' ' ')" "what helm test runs"
render --values ci/tbot.yaml --show-only templates/tests/check.yaml | grep -q 'name: tbot$' || fail "helm test has no tbot"
ok "helm test runs check beside the daemon"

# Helm shows the notes only where there is a cluster; a copy of the chart has them
# as one more object.
cp -R "$chart" "$scratch/with-notes"
cat >"$scratch/with-notes/templates/notes.yaml" <<'END'
notes: |
  {{- include (print $.Template.BasePath "/NOTES.txt") . | nindent 2 }}
END
notes() { "$helm" template trial "$scratch/with-notes" --namespace access --kube-version 1.31 --show-only templates/notes.yaml "$@"; }
notes --values ci/tbot.yaml >"$scratch/notes"
grep -q "The existing chart's default is LoadBalancer" "$scratch/notes" || fail "the notes don't speak of the Service's type: $(cat "$scratch/notes")"
grep -q 'service account access:trial-teleport-plugin-jira\.' "$scratch/notes" || fail "the notes don't name the service account: $(cat "$scratch/notes")"
! notes --values ci/existing-chart.yaml | grep -q ClusterIP || fail "the notes warn although the type is LoadBalancer"
! notes --values ci/ingress.yaml | grep -q ClusterIP || fail "the notes warn although there is an Ingress"
ok "the notes say what differs from the existing chart"

for part in description home sources icon; do
	[ -n "$("$helm" show chart "$chart" 2>/dev/null | sed -n "/^$part:/p")" ] || fail "Chart.yaml has no $part"
done
is "" "$(jq -r '[paths(objects) | select(length > 1 and .[-2] == "properties")] as $p | . as $s | $p[] |
	. as $path | select($s | getpath($path) | has("description") | not) | join(".")' "$chart/values.schema.json")" "values without a description"
table >"$scratch/table"
sed -n '/^| value |/,$p' "$chart/README.md" | diff - "$scratch/table" ||
	fail "the README's table is not the schema's: replace it by deploy/test/chart.sh's, printed above"
ok "the README explains every value"
