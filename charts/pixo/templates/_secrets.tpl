{{/*
A generated password: what the cluster has, else a new one. It is made once a rendering and remembered in the values,
so that the secret and the checksums of those who use it agree. `suffix` names the secret, `key` what is in it.
*/}}
{{- define "pixo.generated" -}}
{{- $memory := .root.Values._generated -}}
{{- if not $memory -}}{{- $memory = dict -}}{{- $_ := set .root.Values "_generated" $memory -}}{{- end -}}
{{- $name := printf "%s-%s" (include "pixo.fullname" .root) .suffix -}}
{{- $id := printf "%s/%s" $name .key -}}
{{- if not (hasKey $memory $id) -}}
{{- $there := lookup "v1" "Secret" .root.Release.Namespace $name -}}
{{- $kept := dig "data" .key "" (default dict $there) | b64dec -}}
{{- $_ := set $memory $id (default (randAlphaNum (int .length)) $kept) -}}
{{- end -}}
{{- get $memory $id -}}
{{- end }}

{{/* Changes when a password that the chart makes changes; those of others it cannot see. */}}
{{- define "pixo.secrets.checksum" -}}
{{- $all := list -}}
{{- if include "pixo.redis.makesSecret" . -}}
{{- $all = append $all (include "pixo.generated" (dict "root" . "suffix" "redis" "key" "password" "length" 32)) -}}
{{- end -}}
{{- if and .Values.objectStore.enabled (not .Values.objectStore.auth.existingSecret) -}}
{{- $all = append $all (include "pixo.generated" (dict "root" . "suffix" "s3" "key" "secret-key" "length" 40)) -}}
{{- end -}}
{{- join "/" $all | sha256sum | trunc 16 -}}
{{- end }}
