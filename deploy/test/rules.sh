#!/usr/bin/env bash
# Has promtool check and test the alerts and check the dashboard's queries, and
# looks for a runbook for each alert. With the daemon's own answer to
# GET /metrics in a file, every metric that they name has to be in it.
#
#   deploy/test/rules.sh [METRICS]
# shellcheck source=deploy/test/lib.sh
. "$(dirname "$0")/lib.sh"

metrics=${1:+$(realpath "$1")}
command -v promtool >/dev/null || fail "promtool is missing: install prometheus"
command -v jq >/dev/null || fail "jq is missing"
cd "$root/deploy/prometheus"
dashboard=../grafana/dashboard.json
operations=$root/docs/operations.md

promtool check rules alerts.yaml >"$scratch/check" || fail "promtool check: $(cat "$scratch/check")"
promtool test rules alerts_test.yaml >"$scratch/test" 2>&1 || fail "promtool test: $(cat "$scratch/test")"
alerts=$(sed -n 's/^ *- alert: //p' alerts.yaml)
for alert in $alerts; do
	is 2 "$(grep -c "alertname: $alert\$" alerts_test.yaml)" "tests of $alert, one that fires and one that does not"
	grep -q "^### $alert\$" "$operations" || fail "$alert has no section in docs/operations.md"
	grep -q "runbook: docs/operations.md#${alert,,}\$" alerts.yaml || fail "$alert names another runbook"
done
sed -n 's/^### \(TeleportJira.*\)/\1/p' "$operations" | sort | diff - <(sort <<<"$alerts") ||
	fail "docs/operations.md has runbooks without an alert"
ok "$(wc -w <<<"$alerts") alerts, each tested and with a runbook"

# Queries are checked as recording rules, with Grafana's variables filled in.
# shellcheck disable=SC2016 # they are Grafana's
jq -r '.panels[].targets[]?.expr' "$dashboard" |
	sed -e 's/\$__rate_interval/5m/g' -e 's/\$namespace/.*/g; s/\$instance/.*/g' >"$scratch/queries"
{
	printf 'groups:\n  - name: dashboard\n    rules:\n'
	n=0
	while read -r query; do
		n=$((n + 1))
		printf '      - record: query:%d\n        expr: %s\n' "$n" "$(jq -Rn --arg q "$query" '$q')"
	done <"$scratch/queries"
} >"$scratch/dashboard.yaml"
promtool check rules "$scratch/dashboard.yaml" >"$scratch/check" 2>&1 || fail "dashboard: $(cat "$scratch/check")"
is "" "$(jq -r '.panels | group_by(.id)[] | select(length > 1)[].title' "$dashboard")" "panels with the same id"
ok "$(wc -l <"$scratch/queries") queries of the dashboard"

[ -n "$metrics" ] || exit 0
# A histogram is asked for by its parts.
named=$(cat alerts.yaml "$dashboard" | grep -oE 'teleport_jira_[a-z_]+' | sed -E 's/_(bucket|count|sum)$//' | sort -u)
for name in $named; do
	# Only a listener with TLS has a certificate.
	[ "$name" != teleport_jira_certificate_expiry_timestamp_seconds ] || continue
	grep -q "^# TYPE $name " "$metrics" || fail "$name is not among the daemon's metrics"
done
ok "$(wc -w <<<"$named") metrics that alerts and dashboard name are the daemon's"
