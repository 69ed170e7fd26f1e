{{/* The pods of the four roles. */}}
{{- define "pixo.metrics.selector" -}}
matchLabels: {app.kubernetes.io/name: {{ include "pixo.name" . }}, app.kubernetes.io/instance: {{ .Release.Name | quote }}}
matchExpressions:
- {key: app.kubernetes.io/component, operator: In, values: [web, worker, results, monitor]}
{{- end }}
