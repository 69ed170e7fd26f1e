{{/* Rules of network policies. */}}

{{/* Egress to what a component needs: `to` is a list of dns, kafka, redis, store, traces, web. */}}
{{- define "pixo.egress" -}}
{{- $root := .root }}
{{- range .to }}
{{ include (printf "pixo.egress.%s" .) $root }}
{{- end }}
{{- with .extra }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "pixo.egress.dns" -}}
{{- with .Values.networkPolicy.dns }}
- to:
  # Both selectors in one entry: those pods of that namespace, never all pods that look alike.
  - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .namespace }}}}
    podSelector:
      {{- if .podLabels }}
      matchLabels:
        {{- toYaml .podLabels | nindent 8 }}
      {{- else }} {}
      {{- end }}
  {{- range .cidrs }}
  - ipBlock: {cidr: {{ . }}}
  {{- end }}
  ports:
  {{- range .ports }}
  - {port: {{ int . }}, protocol: UDP}
  - {port: {{ int . }}, protocol: TCP}
  {{- end }}
{{- end }}
{{- end }}

{{- define "pixo.egress.kafka" -}}
{{- if .Values.kafka.enabled -}}
- to:
  - podSelector: {matchLabels: {{ include "pixo.selector.inline" (dict "root" . "component" "kafka") }}}
  ports: [{port: kafka}]
{{- else -}}
{{- $ports := list -}}
{{- range .Values.externalKafka.bootstrapServers }}{{ $ports = append $ports (regexFind "[0-9]+$" . | int) }}{{ end -}}
# Where brokers are is not known here: any address, their port only.
- ports:
  {{- range uniq $ports }}
  - {port: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "pixo.egress.redis" -}}
{{- if .Values.redis.enabled -}}
- to:
  - podSelector: {matchLabels: {{ include "pixo.selector.inline" (dict "root" . "component" "redis") }}}
  ports: [{port: redis}]
{{- else -}}
- ports: [{port: {{ int .Values.externalRedis.port }}}]
{{- end }}
{{- end }}

{{- define "pixo.egress.store" -}}
{{- if .Values.objectStore.enabled -}}
- to:
  - podSelector: {matchLabels: {{ include "pixo.selector.inline" (dict "root" . "component" "s3") }}}
  ports: [{port: s3}]
{{- else -}}
- ports: [{port: {{ include "pixo.store.port" . }}}]
{{- end }}
{{- end }}

{{- define "pixo.egress.traces" -}}
{{- with .Values.traces.endpoint -}}
{{- $url := urlParse . -}}
- ports: [{port: {{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http")) }}}]
{{- end }}
{{- end }}

{{- define "pixo.egress.web" -}}
- to:
  - podSelector: {matchLabels: {{ include "pixo.selector.inline" (dict "root" . "component" "web") }}}
  ports: [{port: http}, {port: metrics}]
{{- end }}

{{- define "pixo.selector.inline" -}}
{{ include "pixo.selectorLabels" . | fromYaml | toJson }}
{{- end }}

{{/* Ingress to the metrics port. */}}
{{- define "pixo.ingress.metrics" -}}
- ports: [{port: metrics}]
  {{- with .Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Ingress to a server from the components that use it. */}}
{{- define "pixo.ingress.clients" -}}
- from:
  - podSelector:
      matchLabels: {app.kubernetes.io/name: {{ include "pixo.name" .root }}, app.kubernetes.io/instance: {{ .root.Release.Name | quote }}}
      matchExpressions:
      - {key: app.kubernetes.io/component, operator: In, values: {{ toJson .components }}}
  {{- with .more }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  ports: [{port: {{ .port }}}]
{{- end }}
