{{/*
What the Deployment's pods and the pod of `helm test` have in common.
*/}}

{{/* The daemon's image. */}}
{{- define "jira.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Settings of the pod that decide where it runs and whom it reaches. */}}
{{- define "jira.podSettings" -}}
serviceAccountName: {{ include "jira.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Environment and security of a container that runs the daemon's program. */}}
{{- define "jira.containerSettings" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* tbot, which keeps the identity new: an init container that goes on running. */}}
{{- define "jira.tbot" -}}
# Runs beside the daemon (Kubernetes 1.29); the daemon is started once
# there is an identity.
- name: tbot
  restartPolicy: Always
  image: "{{ .Values.tbot.image.repository }}:{{ include "jira.tbotTag" . }}"
  imagePullPolicy: {{ .Values.tbot.image.pullPolicy }}
  args: [start, -c, /config/tbot.yaml, --diag-addr, "0.0.0.0:3001"]
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  env:
    - name: POD_NAMESPACE
      valueFrom:
        fieldRef:
          fieldPath: metadata.namespace
    - name: KUBERNETES_TOKEN_PATH
      value: /var/run/secrets/tokens/join-sa-token
    {{- with .Values.tbot.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: tbot
      containerPort: 3001
      protocol: TCP
  startupProbe:
    httpGet:
      path: /readyz
      port: tbot
    periodSeconds: 2
    failureThreshold: 60
  {{- with .Values.tbot.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - name: tbot-config
      mountPath: /config
      readOnly: true
    - name: join-sa-token
      mountPath: /var/run/secrets/tokens
      readOnly: true
    - name: teleport-identity
      mountPath: {{ include "jira.dir" . }}/teleport-identity
{{- end }}

{{/* Directories and not files, so that a secret that changes is seen. */}}
{{- define "jira.volumeMounts" -}}
- name: config
  mountPath: /etc/teleport-jira.toml
  subPath: teleport-jira.toml
  readOnly: true
- name: teleport-identity
  mountPath: {{ include "jira.dir" . }}/teleport-identity
  readOnly: true
- name: {{ .Values.secretVolumeName }}
  mountPath: {{ include "jira.dir" . }}/jira-token
  readOnly: true
{{- if include "jira.hasTLS" . }}
- name: {{ .Values.tlsSecretVolumeName }}
  mountPath: {{ include "jira.dir" . }}/tls
  readOnly: true
{{- end }}
{{- if include "jira.hasWebhookSecret" . }}
- name: webhook-secret
  mountPath: {{ include "jira.dir" . }}/webhook
  readOnly: true
{{- end }}
{{- if include "jira.hasPassword" . }}
- name: webhook-password
  mountPath: {{ include "jira.dir" . }}/webhook-password
  readOnly: true
{{- end }}
{{- if include "jira.hasHeader" . }}
- name: webhook-header
  mountPath: {{ include "jira.dir" . }}/webhook-header
  readOnly: true
{{- end }}
{{- if include "jira.hasTeleportCA" . }}
- name: teleport-ca
  mountPath: {{ include "jira.dir" . }}/teleport-ca
  readOnly: true
{{- end }}
{{- if and .Values.http.enabled .Values.http.clientCAFromSecret }}
- name: client-ca
  mountPath: {{ include "jira.dir" . }}/client-ca
  readOnly: true
{{- end }}
{{- if include "jira.hasCA" . }}
- name: jira-ca
  mountPath: {{ include "jira.dir" . }}/jira-ca
  readOnly: true
{{- end }}
{{- with .Values.volumeMounts }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{/* Readable for the group, which is podSecurityContext.fsGroup. */}}
{{- define "jira.volumes" -}}
- name: config
  configMap:
    name: {{ include "jira.fullname" . }}
    defaultMode: 0440
    items:
      - key: teleport-jira.toml
        path: teleport-jira.toml
{{- if .Values.tbot.enabled }}
- name: teleport-identity
  emptyDir:
    medium: Memory
- name: tbot-config
  configMap:
    name: {{ include "jira.fullname" . }}
    defaultMode: 0440
    items:
      - key: tbot.yaml
        path: tbot.yaml
- name: join-sa-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: join-sa-token
          expirationSeconds: 600
          audience: {{ .Values.tbot.clusterName | quote }}
{{- else }}
- name: teleport-identity
  secret:
    secretName: {{ include "jira.identitySecret" . | quote }}
    defaultMode: 0440
{{- end }}
- name: {{ .Values.secretVolumeName }}
  secret:
    secretName: {{ default (include "jira.secretName" .) .Values.jira.apiTokenFromSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.jira.apiTokenSecretPath | quote }}
        path: {{ .Values.jira.apiTokenSecretPath | quote }}
{{- if include "jira.hasTLS" . }}
- name: {{ .Values.tlsSecretVolumeName }}
  secret:
    secretName: {{ .Values.http.tlsFromSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.http.tlsKeySecretPath | quote }}
        path: tls.key
      - key: {{ .Values.http.tlsCertSecretPath | quote }}
        path: tls.crt
{{- end }}
{{- if include "jira.hasWebhookSecret" . }}
- name: webhook-secret
  secret:
    secretName: {{ default (include "jira.secretName" .) .Values.http.webhookSecretFromSecret | quote }}
    defaultMode: 0440
    items:
      {{- range (.Values.http.webhookSecretFromSecret | empty | ternary (list "webhookSecret") .Values.http.webhookSecretPaths) }}
      - key: {{ . | quote }}
        path: {{ . | quote }}
      {{- end }}
{{- end }}
{{- if include "jira.hasPassword" . }}
- name: webhook-password
  secret:
    secretName: {{ default (include "jira.secretName" .) .Values.http.basicAuth.passwordFromSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.http.basicAuth.passwordFromSecret | empty | ternary "basicAuthPassword" .Values.http.basicAuth.passwordSecretPath | quote }}
        path: password
{{- end }}
{{- if and .Values.http.enabled .Values.http.clientCAFromSecret }}
- name: client-ca
  secret:
    secretName: {{ .Values.http.clientCAFromSecret | quote }}
    defaultMode: 0440
{{- end }}
{{- if include "jira.hasHeader" . }}
- name: webhook-header
  secret:
    secretName: {{ default (include "jira.secretName" .) .Values.http.header.valueFromSecret | quote }}
    defaultMode: 0440
    items:
      - key: {{ .Values.http.header.valueFromSecret | empty | ternary "webhookHeader" .Values.http.header.valueSecretPath | quote }}
        path: value
{{- end }}
{{- if .Values.teleport.caFromSecret }}
- name: teleport-ca
  secret:
    secretName: {{ .Values.teleport.caFromSecret | quote }}
    defaultMode: 0440
{{- else if .Values.teleport.caFromConfigMap }}
- name: teleport-ca
  configMap:
    name: {{ .Values.teleport.caFromConfigMap | quote }}
    defaultMode: 0440
{{- end }}
{{- if .Values.jira.caFromSecret }}
- name: jira-ca
  secret:
    secretName: {{ .Values.jira.caFromSecret | quote }}
    defaultMode: 0440
{{- else if .Values.jira.caFromConfigMap }}
- name: jira-ca
  configMap:
    name: {{ .Values.jira.caFromConfigMap | quote }}
    defaultMode: 0440
{{- end }}
{{- with .Values.volumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}
