{{/* A claim template of a server, named `data`. */}}
{{- define "pixo.claim" -}}
metadata:
  name: data
  labels:
    {{- include "pixo.selectorLabels" . | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with coalesce .persistence.storageClass .root.Values.global.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ .persistence.size }}}}
{{- end }}
