{{/*
What controllers must be told so that uploads pass and long answers are not cut, each in its own words. A form is a little
longer than the image in it. Traefik has no limit by itself, and its timeouts are of its entry points.
*/}}
{{- define "pixo.web.limitAnnotations" -}}
{{- $seconds := int .Values.web.requestTimeoutSeconds -}}
{{- $megabytes := printf "%dm" (add 1 (div (add (int64 .Values.config.maxUploadBytes) 1048575) 1048576)) -}}
nginx.ingress.kubernetes.io/proxy-body-size: {{ $megabytes | quote }}
nginx.ingress.kubernetes.io/proxy-request-buffering: "off"
nginx.ingress.kubernetes.io/proxy-buffering: "off"
nginx.ingress.kubernetes.io/proxy-read-timeout: {{ $seconds | quote }}
nginx.ingress.kubernetes.io/proxy-send-timeout: {{ $seconds | quote }}
nginx.org/client-max-body-size: {{ $megabytes | quote }}
nginx.org/proxy-buffering: "false"
nginx.org/proxy-read-timeout: {{ printf "%ds" $seconds | quote }}
nginx.org/proxy-send-timeout: {{ printf "%ds" $seconds | quote }}
haproxy-ingress.github.io/proxy-body-size: {{ $megabytes | quote }}
haproxy-ingress.github.io/timeout-server: {{ printf "%ds" $seconds | quote }}
haproxy.org/timeout-server: {{ printf "%ds" $seconds | quote }}
{{- end }}
