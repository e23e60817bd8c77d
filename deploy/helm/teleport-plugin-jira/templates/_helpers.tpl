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

{{- define "jira.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "jira.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "jira.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "jira.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
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
{{- end }}

{{- define "jira.hasWebhookSecret" -}}
{{- if and .Values.http.enabled (or .Values.http.webhookSecret .Values.http.webhookSecretFromSecret) }}yes{{ end }}
{{- end }}

{{- define "jira.hasPassword" -}}
{{- if and .Values.http.enabled .Values.http.basicAuth.user (ne (toString .Values.http.basicAuth.enabled) "false") }}yes{{ end }}
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
{{- $_ := required "teleport.address must be set" .Values.teleport.address }}
{{- $_ := required "jira.url must be set" .Values.jira.url }}
{{- $_ := required "jira.project must be set" .Values.jira.project }}
{{- if not (or .Values.jira.apiToken .Values.jira.apiTokenFromSecret) }}
{{- fail "jira.apiTokenFromSecret (or jira.apiToken) must be set" }}
{{- end }}
{{- if and (not .Values.tbot.enabled) (not (include "jira.identitySecret" .)) }}
{{- fail "teleport.identityFromSecret must be set, or tbot.enabled" }}
{{- end }}
{{- if and .Values.tbot.enabled (include "jira.identitySecret" .) }}
{{- fail "set either teleport.identityFromSecret or tbot.enabled" }}
{{- end }}
{{- if .Values.tbot.enabled }}
{{- $_ := required "tbot.image.tag must be set, to the version of the cluster" .Values.tbot.image.tag }}
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
{{- if and .Values.serviceMonitor.enabled (not .Values.telemetry.enabled) }}
{{- fail "serviceMonitor.enabled needs telemetry.enabled" }}
{{- end }}
{{- end }}
