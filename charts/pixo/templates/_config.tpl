{{/* The data of the ConfigMap: every setting that is no secret. A test holds the names to those of the code. */}}
{{- define "pixo.config" -}}
{{- $c := .Values.config -}}
{{- $t := .Values.kafka.topics -}}
PIXO_KAFKA: {{ include "pixo.kafka.bootstrap" . | quote }}
PIXO_KAFKA_PROFILE: apache
PIXO_KAFKA_GROUP_PROTOCOL: {{ include "pixo.kafka.groupProtocol" . }}
PIXO_KAFKA_SECURITY_PROTOCOL: {{ include "pixo.kafka.protocol" . }}
{{- if include "pixo.kafka.sasl" . }}
PIXO_KAFKA_SASL_MECHANISM: {{ .Values.externalKafka.sasl.mechanism }}
{{- end }}
{{- if include "pixo.kafka.tls" . }}
{{- include "pixo.tls.variables" (dict "name" "kafka" "tls" .Values.externalKafka.tls) }}
{{- end }}
PIXO_TOPIC_PREFIX: {{ $t.prefix | quote }}
PIXO_TASKS_PARTITIONS: {{ int $t.tasks.partitions | quote }}
PIXO_MAX_TASKS_PARTITIONS: {{ int $t.tasks.maxPartitions | quote }}
PIXO_RESULTS_PARTITIONS: {{ int $t.results.partitions | quote }}
PIXO_REPLICATION: {{ int $t.replicationFactor | quote }}
PIXO_REDIS: {{ include "pixo.redis.url" . | quote }}
{{- if not .Values.redis.enabled }}
{{- with .Values.externalRedis.username }}
PIXO_REDIS_USERNAME: {{ . | quote }}
{{- end }}
{{- end }}
{{- if include "pixo.redis.tls" . }}
{{- include "pixo.tls.variables" (dict "name" "redis" "tls" .Values.externalRedis.tls) }}
{{- end }}
PIXO_STORE: {{ include "pixo.store.url" . | quote }}
PIXO_STORE_ENDPOINT: {{ include "pixo.store.endpoint" . | quote }}
PIXO_STORE_REGION: {{ include "pixo.store.region" . | quote }}
{{- if include "pixo.store.tls" . }}
{{- include "pixo.tls.variables" (dict "name" "store" "tls" .Values.externalObjectStore.tls) }}
{{- end }}
PIXO_HOST: 0.0.0.0
PIXO_PORT: "5001"
PIXO_WEB_THREADS: {{ int .Values.web.threads | quote }}
PIXO_ALLOWED_ORIGINS: {{ join "," $c.allowedOrigins | quote }}
PIXO_MAX_UPLOAD_BYTES: {{ int64 $c.maxUploadBytes | quote }}
PIXO_TILE_SIZE: {{ int $c.tileSize | quote }}
PIXO_TILE_TIMEOUT: {{ $c.tileTimeout | quote }}
PIXO_WINDOW: {{ int $c.window | quote }}
PIXO_MAX_WAITING: {{ int $c.maxWaiting | quote }}
PIXO_RESULT_TTL: {{ int64 $c.resultTtl | quote }}
PIXO_MAX_PIXELS: {{ int64 $c.maxPixels | quote }}
PIXO_MAX_WIDTH: {{ int64 $c.maxWidth | quote }}
PIXO_MAX_HEIGHT: {{ int64 $c.maxHeight | quote }}
PIXO_MAX_ASPECT: {{ int64 $c.maxAspect | quote }}
PIXO_MAX_FRAMES: {{ int64 $c.maxFrames | quote }}
PIXO_MAX_MAPPED_PIXELS: {{ int64 $c.maxMappedPixels | quote }}
PIXO_MAX_DECODER_BYTES: {{ int64 $c.maxDecoderBytes | quote }}
PIXO_MAX_TILE_BYTES: {{ int64 $c.maxTileBytes | quote }}
PIXO_MAX_LUMA_PIXELS: {{ int64 $c.maxLumaPixels | quote }}
PIXO_MAX_WEBP_PIXELS: {{ int64 $c.maxWebpPixels | quote }}
PIXO_METRICS_HOST: 0.0.0.0
PIXO_METRICS_PORT: "9090"
PIXO_LOG_FORMAT: {{ $c.logFormat }}
PIXO_LOG_LEVEL: {{ $c.logLevel }}
PIXO_TRACES: {{ .Values.traces.endpoint | quote }}
PIXO_TRACES_SHARE: {{ .Values.traces.share | quote }}
{{- end }}

{{- define "pixo.tls.variables" -}}
{{- $name := .name }}
{{- range $key, $variable := dict "caKey" "CA" "certKey" "CERT" "keyKey" "KEY" }}
{{- if index $.tls $key }}
PIXO_{{ upper $name }}_TLS_{{ $variable }}: /etc/pixo/tls/{{ $name }}/{{ get (dict "CA" "ca.crt" "CERT" "tls.crt" "KEY" "tls.key") $variable }}
{{- end }}
{{- end }}
{{- end }}
