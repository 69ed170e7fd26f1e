{{/* An alert: name, severity, for, summary (a sentence for the one who is called), expr. */}}
{{- define "pixo.alert" }}
- alert: {{ .name }}
  expr: |
    {{- .expr | trim | nindent 4 }}
  {{- with .for }}
  for: {{ . }}
  {{- end }}
  labels:
    severity: {{ .severity }}
    {{- with .root.Values.metrics.prometheusRule.alertLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    summary: {{ .summary | quote }}
    runbook_url: {{ printf "%s#%s" .root.Values.metrics.prometheusRule.runbooks (lower .name) }}
{{- end }}
