{{/* How many pods of a role a drain may take at once; `root` is the top context, `component` the role. */}}
{{- define "pixo.pdb" -}}
{{- with index .root.Values .component "pdb" -}}
{{- if .enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "pixo.metadata" (dict "root" $.root "component" $.component "suffix" $.component) | nindent 2 }}
spec:
  maxUnavailable: {{ .maxUnavailable }}
  # A pod that is not ready anyway must not hold up a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "pixo.selectorLabels" (dict "root" $.root "component" $.component) | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}
