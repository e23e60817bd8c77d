{{/* Names and labels, as Helm charts have them. */}}
{{- define "jira.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "jira.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "jira.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "jira.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "jira.selectorLabels" -}}
app.kubernetes.io/name: {{ include "jira.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. The chart's own go before commonLabels: selectors need them. */}}
{{- define "jira.labels" -}}
{{ mergeOverwrite (deepCopy .Values.commonLabels) (include "jira.ownLabels" . | fromYaml) | toYaml }}
{{- end }}

{{- define "jira.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "jira.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "jira.podLabels" -}}
{{ mergeOverwrite (deepCopy .Values.commonLabels) (deepCopy .Values.podLabels) (include "jira.ownLabels" . | fromYaml) | toYaml }}
{{- end }}

{{/*
The name in the labels of the pod of `helm test`: another one than the daemon's,
or the Service would send it webhooks.
*/}}
{{- define "jira.checkName" -}}{{ include "jira.name" . | trunc 57 | trimSuffix "-" }}-check{{- end }}

{{- define "jira.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "jira.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/*
The cluster's address, and tbot's own. The existing chart takes tbot's where
teleport.address is empty.
*/}}
{{- define "jira.teleportAddress" -}}
{{- coalesce .Values.teleport.address .Values.tbot.teleportProxyAddress .Values.tbot.teleportAuthAddress | default "" }}
{{- end }}

{{- define "jira.tbotAddress" -}}
{{- coalesce .Values.tbot.teleportProxyAddress .Values.tbot.teleportAuthAddress .Values.teleport.address | default "" }}
{{- end }}

{{- define "jira.tbotTag" -}}
{{- coalesce .Values.tbot.image.tag .Values.tbot.teleportVersionOverride | default "" }}
{{- end }}

{{/* Under which key tbot wants its address: before 15 there is one for both kinds. */}}
{{- define "jira.tbotAddressKey" -}}
{{- if or (and .Values.tbot.teleportAuthAddress (not .Values.tbot.teleportProxyAddress)) (hasSuffix ":3025" (include "jira.tbotAddress" .)) (regexMatch "^v?([0-9]|1[0-4])[.]" (include "jira.tbotTag" .)) -}}
auth_server
{{- else -}}
proxy_server
{{- end }}
{{- end }}

{{/* The port of an address such as teleport.example.com:443, and of a URL. */}}
{{- define "jira.port" -}}
{{- $host := . | trimPrefix "https://" | splitList "/" | first | splitList "@" | last }}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default "443" }}
{{- end }}

{{/*
The ports that the daemon and tbot call, as a list in YAML. A Proxy Service with
separate ports, which listens on 3080, is reached through 3024 as well.
*/}}
{{- define "jira.egressPorts" -}}
{{- $ports := list }}
{{- range list .Values.jira.url (include "jira.teleportAddress" .) (ternary (include "jira.tbotAddress" .) "" .Values.tbot.enabled) }}
{{- with . }}
{{- $ports = append $ports (include "jira.port" . | int) }}
{{- end }}
{{- end }}
{{- if has 3080 $ports }}
{{- $ports = append $ports 3024 }}
{{- end }}
{{- range .Values.networkPolicy.egressPorts }}
{{- $ports = append $ports (int .) }}
{{- end }}
{{- range $ports | uniq }}
- port: {{ . }}
  protocol: TCP
{{- end }}
{{- end }}

{{/* Without telemetry the program itself asks the webhook listener. */}}
{{- define "jira.execProbe" -}}
exec:
  command: [/usr/local/bin/teleport-jira, health, --config, /etc/teleport-jira.toml]
{{- end }}

{{/*
Not empty where the log goes to a file that can't be written: the root is
read-only and nothing of volumeMounts is mounted there to be written to.
*/}}
{{- define "jira.logIsReadOnly" -}}
{{- $file := .Values.log.output }}
{{- if and (not (has $file (list "stdout" "stderr" "out" "err" "1" "2" ""))) (dig "readOnlyRootFilesystem" false (.Values.securityContext | default dict)) }}
{{- $mounted := false }}
{{- range .Values.volumeMounts }}
{{- if and (not .readOnly) (hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) $file) }}
{{- $mounted = true }}
{{- end }}
{{- end }}
{{- if not $mounted }}yes{{ end }}
{{- end }}
{{- end }}

{{/* Where things are mounted. */}}
{{- define "jira.dir" -}}/var/lib/teleport/plugins/jira{{- end }}

{{- define "jira.identitySecret" -}}
{{- default .Values.teleport.identitySecretName .Values.teleport.identityFromSecret }}
{{- end }}

{{- define "jira.identityFile" -}}
{{ include "jira.dir" . }}/teleport-identity/{{ if .Values.tbot.enabled }}identity{{ else }}{{ .Values.teleport.identitySecretPath }}{{ end }}
{{- end }}

{{/* The secret that the chart makes of what is given as a value. */}}
{{- define "jira.secretName" -}}{{ include "jira.fullname" . }}-secret{{- end }}

{{- define "jira.secretData" -}}
{{- if and .Values.jira.apiToken (not .Values.jira.apiTokenFromSecret) }}
{{ .Values.jira.apiTokenSecretPath }}: {{ .Values.jira.apiToken | b64enc | quote }}
{{- end }}
{{- if and .Values.http.webhookSecret (not .Values.http.webhookSecretFromSecret) }}
webhookSecret: {{ .Values.http.webhookSecret | b64enc | quote }}
{{- end }}
{{- if and .Values.http.basicAuth.password (not .Values.http.basicAuth.passwordFromSecret) }}
basicAuthPassword: {{ .Values.http.basicAuth.password | b64enc | quote }}
{{- end }}
{{- if and .Values.http.header.value (not .Values.http.header.valueFromSecret) }}
webhookHeader: {{ .Values.http.header.value | b64enc | quote }}
{{- end }}
{{- end }}

{{- define "jira.hasWebhookSecret" -}}
{{- if and .Values.http.enabled (or .Values.http.webhookSecret .Values.http.webhookSecretFromSecret) }}yes{{ end }}
{{- end }}

{{- define "jira.hasPassword" -}}
{{- if and .Values.http.enabled .Values.http.basicAuth.user (ne (toString .Values.http.basicAuth.enabled) "false") }}yes{{ end }}
{{- end }}

{{- define "jira.hasHeader" -}}
{{- if and .Values.http.enabled .Values.http.header.name }}yes{{ end }}
{{- end }}

{{- define "jira.hasTeleportCA" -}}
{{- if or .Values.teleport.caFromSecret .Values.teleport.caFromConfigMap }}yes{{ end }}
{{- end }}

{{- define "jira.hasTLS" -}}
{{- if and .Values.http.enabled (not .Values.http.insecureNoTLS) }}yes{{ end }}
{{- end }}

{{- define "jira.hasCA" -}}
{{- if or .Values.jira.caFromSecret .Values.jira.caFromConfigMap }}yes{{ end }}
{{- end }}

{{/* The host of http.publicAddress, without scheme, credentials, port and path. */}}
{{- define "jira.host" -}}
{{- $host := .Values.http.publicAddress | trimPrefix "https://" | trimPrefix "http://" }}
{{- $host = first (splitList "/" $host) }}
{{- first (splitList ":" (last (splitList "@" $host))) }}
{{- end }}

{{/*
A value in TOML. JSON's strings, numbers and booleans are TOML's as well, and so
are its lists of those; tables are written differently.
*/}}
{{- define "jira.toml" -}}
{{- if kindIs "map" . -}}
{ {{- range $i, $key := keys . | sortAlpha }}{{ if $i }}, {{ end }}{{ $key | toJson }} = {{ include "jira.toml" (index $ $key) }}{{ end -}} }
{{- else if kindIs "slice" . -}}
[ {{- range $i, $item := . }}{{ if $i }}, {{ end }}{{ include "jira.toml" $item }}{{ end -}} ]
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}

{{/* What can't work is said before anything is installed. */}}
{{- define "jira.check" -}}
{{- $_ := required "image.repository must be set, to where you have pushed the image: there is none in public, see docs/deploy-docker.md" .Values.image.repository }}
{{- $_ := required "teleport.address must be set" (include "jira.teleportAddress" .) }}
{{- $_ := required "jira.url must be set" .Values.jira.url }}
{{- $_ := required "jira.project must be set" .Values.jira.project }}
{{- if not (or .Values.jira.apiToken .Values.jira.apiTokenFromSecret) }}
{{- fail "jira.apiTokenFromSecret (or jira.apiToken) must be set" }}
{{- end }}
{{- if and (not .Values.tbot.enabled) (not (include "jira.identitySecret" .)) }}
{{- fail "teleport.identityFromSecret must be set, or tbot.enabled" }}
{{- end }}
{{- if and (include "jira.hasHeader" .) (not (or .Values.http.header.value .Values.http.header.valueFromSecret)) }}
{{- fail "http.header.valueFromSecret (or http.header.value) must be set with http.header.name" }}
{{- end }}
{{- if and .Values.tbot.enabled (include "jira.identitySecret" .) }}
{{- fail "set either teleport.identityFromSecret or tbot.enabled" }}
{{- end }}
{{- if .Values.tbot.enabled }}
{{- $_ := required "tbot.image.tag must be set, to the version of the cluster" (include "jira.tbotTag" .) }}
{{- if and .Values.tbot.teleportProxyAddress .Values.tbot.teleportAuthAddress }}
{{- fail "set either tbot.teleportProxyAddress or tbot.teleportAuthAddress" }}
{{- end }}
{{- $_ := required "tbot.clusterName must be set" .Values.tbot.clusterName }}
{{- $_ := required "tbot.token must be set" .Values.tbot.token }}
{{- end }}
{{- if and (include "jira.hasTLS" .) (not .Values.http.tlsFromSecret) }}
{{- fail "http.tlsFromSecret must be set, or http.insecureNoTLS where a proxy does TLS, or http.enabled: false" }}
{{- end }}
{{- if and (include "jira.hasPassword" .) (not (or .Values.http.basicAuth.password .Values.http.basicAuth.passwordFromSecret)) }}
{{- fail "http.basicAuth.passwordFromSecret (or password) must be set when user is" }}
{{- end }}
{{- if and .Values.jira.caFromSecret .Values.jira.caFromConfigMap }}
{{- fail "set either jira.caFromSecret or jira.caFromConfigMap" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.http.enabled) }}
{{- fail "ingress.enabled needs http.enabled" }}
{{- end }}
{{- range list "serviceMonitor" "prometheusRule" "dashboard" }}
{{- if and (index $.Values . "enabled") (not $.Values.telemetry.enabled) }}
{{- fail (printf "%s.enabled needs telemetry.enabled" .) }}
{{- end }}
{{- end }}
{{- if include "jira.logIsReadOnly" . }}
{{- fail (printf "log.output is %s, and the container's root is read-only: use stdout or stderr, which `kubectl logs` shows, or mount a volume there with volumes and volumeMounts" .Values.log.output) }}
{{- end }}
{{- if .Values.crd.create }}
{{- fail "crd.create is not supported: make the bot and the join token in Teleport, see docs/deploy-kubernetes.md" }}
{{- end }}
{{- end }}
