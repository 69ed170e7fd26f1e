{{/* How Kafka is reached. */}}

{{- define "pixo.kafka.bootstrap" -}}
{{- if .Values.kafka.enabled -}}
{{ include "pixo.fullname" . }}-kafka.{{ .Release.Namespace }}.svc:9092
{{- else -}}
{{ join "," .Values.externalKafka.bootstrapServers }}
{{- end -}}
{{- end }}

{{- define "pixo.kafka.protocol" -}}
{{- ternary "PLAINTEXT" .Values.externalKafka.securityProtocol .Values.kafka.enabled -}}
{{- end }}

{{/* Not empty where user and password are needed. */}}
{{- define "pixo.kafka.sasl" -}}
{{- if hasPrefix "SASL_" (include "pixo.kafka.protocol" .) }}yes{{ end -}}
{{- end }}

{{/* Not empty where the connection is TLS and there are certificates to mount. */}}
{{- define "pixo.kafka.tls" -}}
{{- if and (hasSuffix "SSL" (include "pixo.kafka.protocol" .)) .Values.externalKafka.tls.existingSecret }}yes{{ end -}}
{{- end }}

{{/* The broker of the chart speaks KIP-848, whose groups move only what has to move. */}}
{{- define "pixo.kafka.groupProtocol" -}}
{{- $asked := .Values.kafka.consumer.groupProtocol -}}
{{- ternary (ternary "consumer" "classic" .Values.kafka.enabled) $asked (eq $asked "auto") -}}
{{- end }}

{{- define "pixo.kafka.clusterId" -}}
{{- $made := printf "%s/%s" .Release.Namespace (include "pixo.fullname" .) | sha256sum | trunc 16 | b64enc | trunc 22 -}}
{{- default $made .Values.kafka.clusterId -}}
{{- end }}

{{/* The most partitions that `tasks` may come to have. */}}
{{- define "pixo.tasks.most" -}}
{{- $tasks := .Values.kafka.topics.tasks -}}
{{- max (int $tasks.partitions) (int $tasks.maxPartitions) -}}
{{- end }}
