{{/* What the schema cannot say. Each failure is one sentence that names the values. */}}
{{- define "pixo.validate" -}}
{{- $tasks := .Values.kafka.topics.tasks -}}
{{- $most := include "pixo.tasks.most" . | int -}}
{{- $workers := include "pixo.worker.want" . | int -}}

{{- if and (gt (int $tasks.maxPartitions) 0) (lt (int $tasks.maxPartitions) (int $tasks.partitions)) -}}
{{- fail (printf "kafka.topics.tasks.maxPartitions is %d, less than kafka.topics.tasks.partitions (%d): set it to at least as many, or to 0 so that the topic never grows by itself." (int $tasks.maxPartitions) (int $tasks.partitions)) -}}
{{- end -}}
{{- if and (gt $workers $most) (not .Values.worker.allowIdle) (not .Values.worker.autoscaling.enabled) -}}
{{- fail (printf "worker.replicaCount is %d, but topic tasks has %d partitions: %d workers would idle. Raise kafka.topics.tasks.partitions, lower worker.replicaCount, or set worker.allowIdle." $workers $most (sub $workers $most)) -}}
{{- end -}}
{{- if gt (int .Values.results.replicaCount) (int .Values.kafka.topics.results.partitions) -}}
{{- fail (printf "results.replicaCount is %d, but topic results has %d partitions: raise kafka.topics.results.partitions or lower results.replicaCount." (int .Values.results.replicaCount) (int .Values.kafka.topics.results.partitions)) -}}
{{- end -}}
{{- with .Values.worker.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (.maxReplicas | default $most | int)) -}}
{{- fail (printf "worker.autoscaling.minReplicas is %d, more than the %d that worker.autoscaling.maxReplicas or the partitions of topic tasks allow." (int .minReplicas) (.maxReplicas | default $most | int)) -}}
{{- end -}}
{{- if and .enabled .maxReplicas (gt (int .maxReplicas) $most) (not $.Values.worker.allowIdle) -}}
{{- fail (printf "worker.autoscaling.maxReplicas is %d, but topic tasks has %d partitions: raise kafka.topics.tasks.partitions, lower it, or set worker.allowIdle." (int .maxReplicas) $most) -}}
{{- end -}}
{{- end -}}

{{- with .Values.web.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "web.autoscaling.minReplicas is %d, more than web.autoscaling.maxReplicas (%d)." (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}

{{- range $topic, $variable := dict "tasks" "PIXO_TASKS_PARTITIONS" "results" "PIXO_RESULTS_PARTITIONS" -}}
{{- $wanted := (index $.Values.kafka.topics $topic).partitions | int -}}
{{- $config := lookup "v1" "ConfigMap" $.Release.Namespace (include "pixo.fullname" $) -}}
{{- $had := dig "data" $variable "0" (default dict $config) | int -}}
{{- if lt $wanted $had -}}
{{- fail (printf "kafka.topics.%s.partitions is %d, but the release has %d: Kafka cannot take partitions away. Keep %d, or install anew with another kafka.topics.prefix." $topic $wanted $had $had) -}}
{{- end -}}
{{- end -}}

{{- if and (eq .Values.kafka.topics.provisioner "strimzi") (gt (int $tasks.maxPartitions) 0) -}}
{{- fail "kafka.topics.provisioner=strimzi and kafka.topics.tasks.maxPartitions: the monitor cannot grow a topic that Strimzi keeps as it is declared. Set maxPartitions to 0 and raise kafka.topics.tasks.partitions." -}}
{{- end -}}
{{- if .Values.kafka.enabled -}}
{{- if gt (int .Values.kafka.topics.replicationFactor) 1 -}}
{{- fail "kafka.topics.replicationFactor must be 1 with the one broker of the chart: set kafka.enabled=false and externalKafka to use more brokers." -}}
{{- end -}}
{{- if eq .Values.kafka.topics.provisioner "strimzi" -}}
{{- fail "kafka.topics.provisioner=strimzi needs a Kafka that Strimzi runs: set kafka.enabled=false and externalKafka." -}}
{{- end -}}
{{- else -}}
{{- with .Values.externalKafka -}}
{{- if not .bootstrapServers -}}
{{- fail "kafka.enabled is false: set externalKafka.bootstrapServers." -}}
{{- end -}}
{{- if and (hasPrefix "SASL_" .securityProtocol) (not .sasl.existingSecret) -}}
{{- fail (printf "externalKafka.securityProtocol is %s: set externalKafka.sasl.existingSecret, a secret with user and password." .securityProtocol) -}}
{{- end -}}
{{- if and .tls.existingSecret (not (hasSuffix "SSL" .securityProtocol)) -}}
{{- fail (printf "externalKafka.tls.existingSecret is set, but externalKafka.securityProtocol is %s: set SSL or SASL_SSL, or the connection would not be encrypted." .securityProtocol) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.kafka.topics.provisioner "strimzi") (not .Values.externalKafka.strimzi.clusterName) -}}
{{- fail "kafka.topics.provisioner=strimzi: set externalKafka.strimzi.clusterName, the Kafka resource that the topics belong to." -}}
{{- end -}}
{{- end -}}

{{- if .Values.redis.enabled -}}
{{- $limit := dig "limits" "memory" "" .Values.redis.resources | toString -}}
{{- if regexMatch "^[0-9]+[MG]i$" $limit -}}
{{- $most := div (mul 3 (include "pixo.mebi" $limit | int64)) 4 -}}
{{- $asked := include "pixo.redis.mebi" .Values.redis.maxmemory | int64 -}}
{{- if or (gt $asked $most) (regexMatch "^0+([kmg]b?)?$" .Values.redis.maxmemory) -}}
{{- fail (printf "redis.maxmemory is %s, but the pod may have %s, of which the data may be three quarters: it would be killed before it refuses writes. Raise redis.resources.limits.memory, or set redis.maxmemory to %dmb or less." .Values.redis.maxmemory $limit $most) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- with .Values.externalRedis -}}
{{- if not .host -}}
{{- fail "redis.enabled is false: set externalRedis.host." -}}
{{- end -}}
{{- if and .tls.existingSecret (not .tls.enabled) -}}
{{- fail "externalRedis.tls.existingSecret is set, but externalRedis.tls.enabled is false: the connection would not be encrypted." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if not .Values.objectStore.enabled -}}
{{- if not .Values.externalObjectStore.url -}}
{{- fail "objectStore.enabled is false: set externalObjectStore.url, as s3://bucket/prefix." -}}
{{- end -}}
{{- if and .Values.externalObjectStore.tls.existingSecret (hasPrefix "http://" .Values.externalObjectStore.endpoint) -}}
{{- fail "externalObjectStore.tls.existingSecret is set, but externalObjectStore.endpoint begins with http://: the connection would not be encrypted." -}}
{{- end -}}
{{- end -}}

{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics.podMonitor.enabled and metrics.serviceMonitor.enabled are both true: every figure would be counted twice. Choose one." -}}
{{- end -}}
{{- if and .Values.web.httpRoute.enabled (not .Values.web.httpRoute.parentRefs) -}}
{{- fail "web.httpRoute.enabled is true: set web.httpRoute.parentRefs, the Gateways that it belongs to." -}}
{{- end -}}
{{- end }}
