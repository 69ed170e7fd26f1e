{{/*
How many pods. Three may own the number: the chart, someone with `kubectl scale`, an autoscaler. Helm 4 applies on the
server's side, where a number that another manager set is a conflict unless it is rendered as it stands; so the live
number is rendered where it was set through the subresource `scale`. Without a cluster (`helm template`, Argo CD)
there is nothing to look up.
*/}}
{{- define "pixo.replicas" -}}
{{- $scaled := false -}}
{{- $live := dict -}}
{{- if .preserve -}}
{{- $live = lookup "apps/v1" "Deployment" .root.Release.Namespace (printf "%s-%s" (include "pixo.fullname" .root) .role) -}}
{{- range $manager := (dig "metadata" "managedFields" list (default dict $live)) -}}
{{- if and (eq (default "" $manager.subresource) "scale") (hasKey (dig "fieldsV1" "f:spec" dict $manager) "f:replicas") -}}
{{- $scaled = true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $scaled -}}{{ $live.spec.replicas | int }}{{- else -}}{{ int .want }}{{- end -}}
{{- end }}

{{/* What the values ask for: null means the partitions of `tasks`. Nought is a number. */}}
{{- define "pixo.worker.want" -}}
{{- if kindIs "invalid" .Values.worker.replicaCount -}}
{{- int .Values.kafka.topics.tasks.partitions -}}
{{- else -}}
{{- int .Values.worker.replicaCount -}}
{{- end -}}
{{- end }}
