{{/* How the object store is reached. */}}

{{- define "pixo.store.url" -}}
{{- ternary (printf "s3://%s" .Values.objectStore.bucket) .Values.externalObjectStore.url .Values.objectStore.enabled -}}
{{- end }}

{{- define "pixo.store.endpoint" -}}
{{- if .Values.objectStore.enabled -}}
http://{{ include "pixo.fullname" . }}-s3.{{ .Release.Namespace }}.svc:7070
{{- else -}}
{{- .Values.externalObjectStore.endpoint -}}
{{- end -}}
{{- end }}

{{- define "pixo.store.region" -}}
{{- ternary .Values.objectStore.region .Values.externalObjectStore.region .Values.objectStore.enabled -}}
{{- end }}

{{/* Where the keys are, as a map: name, access, secret. The name is empty where the pod's own role is used. */}}
{{- define "pixo.store.secret" -}}
{{- if .Values.objectStore.enabled -}}
{{- $auth := .Values.objectStore.auth -}}
{{- if $auth.existingSecret -}}
{{- dict "name" $auth.existingSecret "access" $auth.accessKeyKey "secret" $auth.secretKeyKey | toYaml -}}
{{- else -}}
{{- dict "name" (printf "%s-s3" (include "pixo.fullname" .)) "access" "access-key" "secret" "secret-key" | toYaml -}}
{{- end -}}
{{- else -}}
{{- $e := .Values.externalObjectStore -}}
{{- dict "name" $e.existingSecret "access" $e.accessKeyKey "secret" $e.secretKeyKey | toYaml -}}
{{- end -}}
{{- end }}

{{- define "pixo.store.tls" -}}
{{- if and (not .Values.objectStore.enabled) .Values.externalObjectStore.tls.existingSecret }}yes{{ end -}}
{{- end }}

{{/* The port that the store answers on, for network policies. */}}
{{- define "pixo.store.port" -}}
{{- $url := urlParse (include "pixo.store.endpoint" . | default "https://store") -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- default (ternary "80" "443" (eq $url.scheme "http")) $port -}}
{{- end }}
