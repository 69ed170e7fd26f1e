{{/* Names and labels. `root` is the top context, `component` a role or server. */}}

{{- define "pixo.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* At most 40 characters, so that what is hung on (and a pod's own ending) stays within 63. */}}
{{- define "pixo.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "pixo.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pixo.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "pixo.labels" -}}
{{ include "pixo.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: pixo
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The metadata of an object; `suffix` is hung on the name (or `name` is it), `annotations` are added to the common ones. */}}
{{- define "pixo.metadata" -}}
{{- $full := include "pixo.fullname" .root }}
name: {{ .name | default (ternary $full (printf "%s-%s" $full (default "" .suffix)) (empty .suffix)) }}
namespace: {{ .namespace | default .root.Release.Namespace | quote }}
labels:
  {{- include "pixo.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default dict .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pixo.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pixo.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* The reference of an image; `shared` are registry and tag of the roles' images. */}}
{{- define "pixo.image" -}}
{{- $shared := default dict .shared -}}
{{- $registry := coalesce .root.Values.global.imageRegistry .image.registry $shared.registry -}}
{{- $tag := coalesce .image.tag $shared.tag .root.Chart.AppVersion -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.repository }}:{{ $tag }}{{ with .image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "pixo.roleImage" -}}
{{- include "pixo.image" (dict "root" .root "image" (index .root.Values .role).image "shared" .root.Values.image) -}}
{{- end }}
