{{/* What every pod has, whoever it belongs to: `values` may have placement, `securityContext` is the pod's. */}}
{{- define "pixo.pod" -}}
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "pixo.serviceAccountName" .root }}
automountServiceAccountToken: false
# Service variables would look like settings: a Service pixo-redis makes PIXO_REDIS_PORT.
enableServiceLinks: false
securityContext:
  {{- toYaml (default .root.Values.podSecurityContext .securityContext) | nindent 2 }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pixo.spread" -}}
{{- if .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else if .root.Values.topologySpread.enabled }}
topologySpreadConstraints:
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "pixo.selectorLabels" $ | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pixo.emptyDir" -}}
emptyDir:
  {{- with .medium }}
  medium: {{ . }}
  {{- end }}
  sizeLimit: {{ .sizeLimit }}
{{- end }}

{{/* Certificates: volumes, and where they are mounted. The variables are in the ConfigMap. */}}
{{- define "pixo.tls.volumes" -}}
{{- if include "pixo.kafka.tls" . }}
{{ include "pixo.tls.volume" (dict "name" "kafka" "tls" .Values.externalKafka.tls) }}
{{- end }}
{{- if include "pixo.redis.tls" . }}
{{ include "pixo.tls.volume" (dict "name" "redis" "tls" .Values.externalRedis.tls) }}
{{- end }}
{{- if include "pixo.store.tls" . }}
{{ include "pixo.tls.volume" (dict "name" "store" "tls" .Values.externalObjectStore.tls) }}
{{- end }}
{{- end }}

{{- define "pixo.tls.volume" -}}
- name: {{ .name }}-tls
  secret:
    secretName: {{ .tls.existingSecret }}
    defaultMode: 0440
    items:
    {{- range $key, $path := dict "caKey" "ca.crt" "certKey" "tls.crt" "keyKey" "tls.key" }}
    {{- with index $.tls $key }}
    - {key: {{ . }}, path: {{ $path }}}
    {{- end }}
    {{- end }}
{{- end }}

{{- define "pixo.tls.mounts" -}}
{{- $root := . }}
{{- range list "kafka" "redis" "store" }}
{{- if include (printf "pixo.%s.tls" .) $root }}
- {name: {{ . }}-tls, mountPath: /etc/pixo/tls/{{ . }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{/* The secrets as variables; `store` and `tokens` where the role needs them. */}}
{{- define "pixo.secretEnv" -}}
{{- $root := .root }}
{{- if include "pixo.kafka.sasl" $root }}
{{- with $root.Values.externalKafka.sasl }}
- name: PIXO_KAFKA_SASL_USERNAME
  valueFrom: {secretKeyRef: {name: {{ .existingSecret }}, key: {{ .usernameKey }}}}
- name: PIXO_KAFKA_SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .existingSecret }}, key: {{ .passwordKey }}}}
{{- end }}
{{- end }}
{{- with include "pixo.redis.secret" $root }}
- name: PIXO_REDIS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ include "pixo.redis.secretKey" $root }}}}
{{- end }}
{{- $keys := include "pixo.store.secret" $root | fromYaml }}
{{- if and .store $keys.name }}
- name: PIXO_STORE_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ $keys.name }}, key: {{ $keys.access }}}}
- name: PIXO_STORE_SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ $keys.name }}, key: {{ $keys.secret }}}}
{{- end }}
{{- if and .tokens $root.Values.apiTokens.existingSecret }}
- name: PIXO_API_TOKENS
  valueFrom: {secretKeyRef: {name: {{ $root.Values.apiTokens.existingSecret }}, key: {{ $root.Values.apiTokens.key }}}}
{{- end }}
{{- end }}

{{- define "pixo.probe" -}}
httpGet: {path: {{ .path }}, port: metrics}
{{ toYaml .probe }}
{{- end }}

{{/* The pod template of a role. */}}
{{- define "pixo.rolePod" -}}
{{- $root := .root }}
{{- $values := index $root.Values .role }}
{{- $context := dict "root" $root "values" $values "component" .role "role" .role }}
metadata:
  annotations:
    checksum/config: {{ include "pixo.config" $root | sha256sum | trunc 16 | quote }}
    checksum/secrets: {{ include "pixo.secrets.checksum" $root | quote }}
    {{- with merge (dict) $values.podAnnotations $root.Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "pixo.labels" $context | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "pixo.pod" $context | nindent 2 }}
  {{- include "pixo.spread" $context | nindent 2 }}
  # Makes the pause container process 1. A process 1 that still loads its libraries, and has no handler yet, does not
  # hear SIGTERM: a pod that was deleted as it began stayed for the whole grace period.
  shareProcessNamespace: true
  terminationGracePeriodSeconds: {{ int $values.terminationGracePeriodSeconds }}
  {{- with $values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
  - name: {{ .role }}
    image: {{ include "pixo.roleImage" $context }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    securityContext:
      {{- toYaml $root.Values.securityContext | nindent 6 }}
    envFrom:
    - configMapRef: {name: {{ include "pixo.fullname" $root }}}
    {{- with $values.extraEnvFrom }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    env:
    - name: WORKER_ID
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    {{- if $values.cache }}
    - {name: PIXO_CACHE, value: /var/cache/pixo}
    {{- end }}
    {{- include "pixo.secretEnv" (dict "root" $root "store" (ne .role "monitor") "tokens" (eq .role "web")) | nindent 4 }}
    {{- with $values.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    ports:
    {{- if eq .role "web" }}
    - {name: http, containerPort: 5001}
    {{- end }}
    - {name: metrics, containerPort: 9090}
    startupProbe:
      {{- include "pixo.probe" (dict "path" "/healthz" "probe" $values.startupProbe) | nindent 6 }}
    readinessProbe:
      {{- include "pixo.probe" (dict "path" "/readyz" "probe" $values.readinessProbe) | nindent 6 }}
    livenessProbe:
      {{- include "pixo.probe" (dict "path" "/healthz" "probe" $values.livenessProbe) | nindent 6 }}
    {{- with $values.lifecycle }}
    lifecycle:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- if $values.cache }}
    - {name: cache, mountPath: /var/cache/pixo}
    {{- end }}
    {{- include "pixo.tls.mounts" $root | nindent 4 }}
    {{- with $values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  volumes:
  - name: tmp
    {{- include "pixo.emptyDir" $values.tmp | nindent 4 }}
  {{- with $values.cache }}
  - name: cache
    {{- include "pixo.emptyDir" . | nindent 4 }}
  {{- end }}
  {{- include "pixo.tls.volumes" $root | nindent 2 }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
