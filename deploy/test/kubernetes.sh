#!/usr/bin/env bash
# Gives what the chart renders to a real API server of Kubernetes, with etcd behind
# it and no nodes: with each values file in deploy/helm/ci Helm installs, upgrades,
# rolls back and removes it, server-side apply takes every object under strict
# validation, and the pods are admitted where the Pod Security Standard "restricted"
# is enforced, or "baseline" where the values take away what the other asks for.
#
#   deploy/test/kubernetes.sh HELM DIRECTORY
#
# In the directory are kube-apiserver and kubectl, as `make test-kubernetes` builds
# them.
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

helm=$(realpath "${1:?usage: deploy/test/kubernetes.sh HELM DIRECTORY}")
tools=$(realpath "${2:?usage: deploy/test/kubernetes.sh HELM DIRECTORY}")
command -v etcd >/dev/null || fail "etcd is missing: install etcd-server"
store=127.0.0.1:18101 peers=127.0.0.1:18102 port=18103

started=''
# end stops what this script has started, last first.
end() {
	for process in $started; do
		{ kill "$process" && wait "$process"; } 2>/dev/null || true
	done
	rm -rf "$scratch"
}
trap end EXIT

# Debian's etcd wants to be told that it may run on another architecture than amd64.
ETCD_UNSUPPORTED_ARCH=$(go env GOARCH) etcd --data-dir "$scratch/etcd" --listen-client-urls "http://$store" \
	--advertise-client-urls "http://$store" --listen-peer-urls "http://$peers" --initial-advertise-peer-urls "http://$peers" \
	--initial-cluster "default=http://$peers" >"$scratch/etcd.log" 2>&1 &
started="$! $started"
openssl genrsa -out "$scratch/accounts.pem" 2048 2>/dev/null
token=$(openssl rand -hex 16)
echo "$token,trial,trial,system:masters" >"$scratch/tokens.csv"
"$tools/kube-apiserver" --etcd-servers "http://$store" --bind-address 127.0.0.1 --advertise-address 127.0.0.1 \
	--secure-port "$port" --cert-dir "$scratch/certificates" --token-auth-file "$scratch/tokens.csv" \
	--authorization-mode RBAC --service-cluster-ip-range 10.0.0.0/24 --service-account-issuer https://localhost \
	--service-account-key-file "$scratch/accounts.pem" --service-account-signing-key-file "$scratch/accounts.pem" \
	>"$scratch/apiserver.log" 2>&1 &
started="$! $started"

export KUBECONFIG=$scratch/kubeconfig HELM_CACHE_HOME=$scratch/helm HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm
kubectl() { "$tools/kubectl" --cache-dir "$scratch/cache" "$@"; }
kubectl config set-cluster trial --server "https://127.0.0.1:$port" --certificate-authority "$scratch/certificates/apiserver.crt" >/dev/null
kubectl config set-credentials trial --token "$token" >/dev/null
kubectl config set-context trial --cluster trial --user trial >/dev/null
kubectl config use-context trial >/dev/null
for attempt in $(seq 120); do
	if kubectl get --raw /readyz >/dev/null 2>&1; then break; fi
	[ "$attempt" -lt 120 ] || fail "the API server is not ready: $(tail -n 5 "$scratch/apiserver.log" "$scratch/etcd.log")"
	sleep 0.5
done

# The objects of Prometheus' operator, of the release whose types the chart's other
# test decodes them with.
operator=github.com/prometheus-operator/prometheus-operator
release=$(cd "$root/deploy/helm/verify" && go list -m -f '{{.Version}}' $operator/pkg/apis/monitoring)
definitions=$(cd "$scratch" && go mod download -json "$operator@$release" | jq --raw-output .Dir)/example/prometheus-operator-crd
for what in servicemonitors prometheusrules; do
	kubectl apply --server-side --filename "$definitions/monitoring.coreos.com_$what.yaml" >/dev/null
	kubectl wait --for condition=Established --timeout 60s "crd/$what.monitoring.coreos.com" >/dev/null
done
ok "an API server runs: $(kubectl version --output json | jq --raw-output .serverVersion.gitVersion)"

cd "$root/deploy/helm"
cp -RL teleport-plugin-jira "$scratch/chart"
# namespace NAME STANDARD makes one that enforces the standard, and warns of what is
# to make pods that don't meet it. A controller would make the account that pods have
# by default.
namespace() {
	kubectl create namespace "$1" >/dev/null
	kubectl label namespace "$1" "pod-security.kubernetes.io/enforce=$2" "pod-security.kubernetes.io/warn=$2" >/dev/null
	kubectl create serviceaccount default --namespace "$1" >/dev/null
}
# render NAMESPACE ARGUMENT… prints the chart's objects, that of `helm test` with them.
render() {
	local namespace=$1
	shift
	"$helm" template trial "$scratch/chart" --namespace "$namespace" --kube-version 1.34 "$@"
}
# apply NAMESPACE FILE applies what is in the file, without a warning but one that
# this release has for every Service without an address of its own.
apply() {
	kubectl apply --server-side --validate=strict --namespace "$1" --filename "$2" >"$scratch/applied" 2>"$scratch/warnings" &&
		! grep -v '^Warning: spec.SessionAffinity is ignored for headless services$' "$scratch/warnings"
}
# pods NAMESPACE makes a pod of each Deployment there, as its controller would.
pods() {
	kubectl get deployments --namespace "$1" --output json | jq '.items[] |
		{apiVersion: "v1", kind: "Pod", metadata: {name: .metadata.name, labels: .spec.template.metadata.labels}, spec: .spec.template.spec}' \
		>"$scratch/pods"
	[ -s "$scratch/pods" ] || fail "no Deployment in $1"
	kubectl create --validate=strict --namespace "$1" --filename "$scratch/pods"
}
# objects NAMESPACE prints what is there of the chart.
objects() {
	kubectl get --namespace "$1" --selector app.kubernetes.io/instance=trial --output name \
		configmaps,secrets,services,serviceaccounts,deployments,poddisruptionbudgets,networkpolicies,ingresses,servicemonitors,prometheusrules
}

for values in ci/*.yaml; do
	name=$(basename "$values" .yaml)
	# Who takes the settings away that meet the standard has a namespace with another.
	standard=restricted
	! grep -q '^podSecurityContext: null$' "$values" || standard=baseline
	namespace "$name" "$standard"
	"$helm" install trial "$scratch/chart" --namespace "$name" --values "$values" >"$scratch/said" 2>&1 ||
		fail "helm install with $values: $(cat "$scratch/said")"
	annotation() {
		kubectl get deployments --namespace "$name" --output jsonpath='{.items[0].spec.template.metadata.annotations.trial}'
	}
	"$helm" upgrade trial "$scratch/chart" --namespace "$name" --values "$values" --set podAnnotations.trial=second >"$scratch/said" 2>&1 ||
		fail "helm upgrade with $values: $(cat "$scratch/said")"
	is second "$(annotation)" "annotation of the pods after the upgrade"
	"$helm" rollback trial 1 --namespace "$name" >"$scratch/said" 2>&1 || fail "helm rollback: $(cat "$scratch/said")"
	is "" "$(annotation)" "annotation of the pods after the rollback"
	[ -n "$(objects "$name")" ] || fail "helm has installed nothing"
	"$helm" uninstall trial --namespace "$name" >"$scratch/said" 2>&1 || fail "helm uninstall: $(cat "$scratch/said")"
	is "" "$(objects "$name")" "objects after helm uninstall"

	render "$name" --values "$values" >"$scratch/manifests"
	apply "$name" "$scratch/manifests" >"$scratch/said" || fail "apply with $values: $(cat "$scratch/said" "$scratch/warnings")"
	is "$(grep -c '^kind:' "$scratch/manifests")" "$(grep -c 'serverside-applied$' "$scratch/applied")" "applied objects"
	pods "$name" >"$scratch/admitted" 2>&1 || fail "pods with $values: $(cat "$scratch/admitted")"
	ok "$name: $(wc -l <"$scratch/applied") objects are applied, the pods meet $standard, and Helm installs, upgrades, rolls back and removes them"
done

# That it would be noticed.
refuses() {
	local what=$1 said=$2
	shift 2
	if "$@" >"$scratch/said" 2>&1; then fail "took $what"; fi
	cat "$scratch/warnings" >>"$scratch/said"
	grep -q "$said" "$scratch/said" || fail "$what: $(cat "$scratch/said")"
}
namespace faulty restricted
render faulty --values ci/poll-only.yaml | sed 's/automountServiceAccountToken/automountServiceAccountTokens/' >"$scratch/misspelt"
refuses "a misspelt field" 'automountServiceAccountTokens' apply faulty "$scratch/misspelt"
render faulty --values ci/poll-only.yaml --set podSecurityContext=null,securityContext=null >"$scratch/lax"
refuses "a Deployment of lax pods" 'would violate PodSecurity "restricted' apply faulty "$scratch/lax"
refuses "lax pods" 'forbidden: violates PodSecurity "restricted' pods faulty
ok "a misspelt field and pods below the standard are refused"
