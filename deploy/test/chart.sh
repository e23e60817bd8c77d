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
chart=teleport-plugin-jira
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
good=(--values ci/poll-only.yaml)
refuses "no values" "teleport.address must be set"
refuses "an unknown value" "tokn" "${good[@]}" --set jira.tokn=x
refuses "an unknown mode" "review" "${good[@]}" --set review.mode=yes
refuses "a port that is no number" "replicas" "${good[@]}" --set replicas=two
refuses "no certificate" "http.tlsFromSecret must be set" "${good[@]}" --set http.enabled=true
refuses "two identities" "either" "${good[@]}" --set tbot.enabled=true
ok "values that are unknown, wrong or missing are refused, each with its reason"

# Pods are replaced when what they read at start changes.
sum() { render "${good[@]}" "$@" | sed -n 's/^ *checksum\/config: //p'; }
[ "$(sum)" != "$(sum --set jira.issueType=Access)" ] || fail "a changed configuration makes no new pods"
is "$(sum)" "$(sum --set replicas=5)" "checksum of an unchanged configuration"
ok "a changed configuration makes new pods"

is ClusterIP "$(render --values ci/tbot.yaml | awk '/^kind: Service$/ { s = 1 } s && /^  type:/ { print $2; exit }')" "service type"
render --values ci/existing-chart.yaml | grep -q 'aws-load-balancer-type: nlb' || fail "chartMode aws has no effect"
ok "the existing chart's values mean what they meant"
