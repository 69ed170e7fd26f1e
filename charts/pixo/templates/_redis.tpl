{{/* How Redis or Valkey is reached. */}}

{{- define "pixo.redis.url" -}}
{{- if .Values.redis.enabled -}}
redis://{{ include "pixo.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379/0
{{- else -}}
{{- $e := .Values.externalRedis -}}
{{ ternary "rediss" "redis" $e.tls.enabled }}://{{ $e.host }}:{{ int $e.port }}/{{ int $e.database }}
{{- end -}}
{{- end }}

{{/* Name and key of the secret with the password; empty where there is none. */}}
{{- define "pixo.redis.secret" -}}
{{- if .Values.redis.enabled -}}
{{- if .Values.redis.auth.enabled -}}
{{- default (printf "%s-redis" (include "pixo.fullname" .)) .Values.redis.auth.existingSecret -}}
{{- end -}}
{{- else -}}
{{- .Values.externalRedis.existingSecret -}}
{{- end -}}
{{- end }}

{{- define "pixo.redis.secretKey" -}}
{{- if .Values.redis.enabled -}}
{{- ternary .Values.redis.auth.existingSecretPasswordKey "password" (ne .Values.redis.auth.existingSecret "") -}}
{{- else -}}
{{- .Values.externalRedis.existingSecretPasswordKey -}}
{{- end -}}
{{- end }}

{{- define "pixo.redis.tls" -}}
{{- if and (not .Values.redis.enabled) .Values.externalRedis.tls.enabled .Values.externalRedis.tls.existingSecret }}yes{{ end -}}
{{- end }}

{{/* redis.maxmemory in MiB, rounded down; 0 is no bound. */}}
{{- define "pixo.redis.mebi" -}}
{{- $unit := regexFind "[kmg]?b?$" . | trimSuffix "b" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- if eq $unit "g" -}}{{ mul $number 1024 }}
{{- else if eq $unit "m" -}}{{ $number }}
{{- else -}}{{ div $number (ternary 1024 1048576 (eq $unit "k")) }}
{{- end -}}
{{- end }}

{{- define "pixo.redis.makesSecret" -}}
{{- if and .Values.redis.enabled .Values.redis.auth.enabled (not .Values.redis.auth.existingSecret) }}yes{{ end -}}
{{- end }}
