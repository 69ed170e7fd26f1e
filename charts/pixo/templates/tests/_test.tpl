{{/* A pod of `helm test` that runs a script of the ConfigMap in the worker's image, which can make and read images. */}}
{{- define "pixo.test" -}}
{{- $context := dict "root" .root "values" dict "component" "test" "suffix" (printf "test-%s" .script) }}
{{- $_ := set $context "annotations" (dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded") }}
apiVersion: v1
kind: Pod
metadata:
  {{- include "pixo.metadata" $context | nindent 2 }}
spec:
  {{- include "pixo.pod" $context | nindent 2 }}
  restartPolicy: Never
  activeDeadlineSeconds: 240
  containers:
  - name: test
    image: {{ include "pixo.roleImage" (dict "root" .root "role" "worker") }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    securityContext:
      {{- toYaml .root.Values.securityContext | nindent 6 }}
    command: [python, /test/{{ .script }}.py]
    args: ["http://{{ include "pixo.fullname" .root }}-web.{{ .root.Release.Namespace }}.svc:{{ int .root.Values.web.service.port }}"]
    {{- with .root.Values.apiTokens }}
    {{- if .existingSecret }}
    env:
    - name: PIXO_API_TOKENS
      valueFrom: {secretKeyRef: {name: {{ .existingSecret }}, key: {{ .key }}}}
    {{- end }}
    {{- end }}
    resources:
      {{- toYaml .root.Values.tests.resources | nindent 6 }}
    volumeMounts:
    - {name: test, mountPath: /test, readOnly: true}
    - {name: tmp, mountPath: /tmp}
  volumes:
  - name: test
    configMap: {name: {{ include "pixo.fullname" .root }}-test}
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
{{- end }}
