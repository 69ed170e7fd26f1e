{{- define "pixo.topics.spec" -}}
{{- $context := dict "root" . "values" dict "component" "topics" }}
backoffLimit: 30
activeDeadlineSeconds: 1200
template:
  metadata:
    annotations:
      checksum/config: {{ include "pixo.config" . | sha256sum | trunc 16 | quote }}
    labels:
      {{- include "pixo.labels" $context | nindent 6 }}
  spec:
    {{- include "pixo.pod" $context | nindent 4 }}
    restartPolicy: OnFailure
    terminationGracePeriodSeconds: 10
    containers:
    - name: topics
      image: {{ include "pixo.roleImage" (dict "root" . "role" "monitor") }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      command: [python, -m, pixo.topics]
      envFrom:
      - configMapRef: {name: {{ include "pixo.fullname" . }}}
      {{- with include "pixo.secretEnv" (dict "root" . "store" false "tokens" false) | trim }}
      env:
      {{- . | nindent 6 }}
      {{- end }}
      resources:
        {{- toYaml .Values.kafka.topics.job.resources | nindent 8 }}
      volumeMounts:
      - {name: tmp, mountPath: /tmp}
      {{- include "pixo.tls.mounts" . | nindent 6 }}
    volumes:
    - name: tmp
      emptyDir: {sizeLimit: 16Mi}
    {{- include "pixo.tls.volumes" . | nindent 4 }}
{{- end }}
