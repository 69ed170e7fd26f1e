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

{{/* Resources of a server; `.` is its values. Without a claim its data is on the node's own disk, and within its limit. */}}
{{- define "pixo.server.resources" -}}
{{- $resources := deepCopy .resources -}}
{{- if and (not .persistence.enabled) (dig "limits" "ephemeral-storage" "" $resources) -}}
{{- $disk := add (include "pixo.mebi" .persistence.size | int64) (include "pixo.mebi" (get $resources.limits "ephemeral-storage") | int64) -}}
{{- $_ := set $resources.limits "ephemeral-storage" (printf "%dMi" $disk) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end }}

{{- define "pixo.mebi" -}}
{{- $unit := regexFind "[A-Za-z]*$" . -}}
{{- $units := dict "Mi" 1 "Gi" 1024 "Ti" 1048576 -}}
{{- if not (hasKey $units $unit) -}}
{{- fail (printf "%q is not in Mi, Gi or Ti: without persistence the size of the data is added to the limit of ephemeral-storage, and both have to be." .) -}}
{{- end -}}
{{- mul (trimSuffix $unit . | int64) (get $units $unit) -}}
{{- end }}
