{{/*
The broker's settings. The image drops all defaults of its own as soon as one is given, so all that is needed is here;
those that `pixo up` gives its broker are the same.
*/}}
{{- define "pixo.kafka.environment" -}}
{{- $made := dict -}}
{{- range $name, $value := include "pixo.kafka.properties" . | fromYaml -}}
{{- $_ := set $made (printf "KAFKA_%s" ($name | upper | replace "." "_")) (toString $value) -}}
{{- end -}}
{{- range $name, $value := .Values.kafka.config -}}
{{- $_ := set $made (printf "KAFKA_%s" ($name | upper | replace "." "_")) (toString $value) -}}
{{- end -}}
{{- $_ := set $made "CLUSTER_ID" (include "pixo.kafka.clusterId" .) -}}
{{- $_ := set $made "KAFKA_HEAP_OPTS" .Values.kafka.heapOpts -}}
{{- $_ := set $made "LOG_DIR" "/tmp/logs" -}}
{{- toYaml $made -}}
{{- end }}

{{- define "pixo.kafka.properties" -}}
process.roles: broker,controller
node.id: "1"
controller.quorum.voters: 1@localhost:9093
listeners: PLAINTEXT://:9092,CONTROLLER://localhost:9093
advertised.listeners: PLAINTEXT://{{ include "pixo.kafka.bootstrap" . }}
listener.security.protocol.map: PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name: PLAINTEXT
controller.listener.names: CONTROLLER
# Below the mount, where a file system has a folder of its own.
log.dirs: /var/lib/kafka/data/log
auto.create.topics.enable: "false"
num.partitions: "1"
offsets.topic.replication.factor: "1"
offsets.topic.num.partitions: "4"
transaction.state.log.replication.factor: "1"
transaction.state.log.min.isr: "1"
transaction.state.log.num.partitions: "4"
share.coordinator.state.topic.replication.factor: "1"
share.coordinator.state.topic.min.isr: "1"
share.coordinator.state.topic.num.partitions: "4"
group.initial.rebalance.delay.ms: "0"
# The one node, killed, is let in again once its former life counts as over, after 9 s by itself.
broker.session.timeout.ms: "3000"
broker.heartbeat.interval.ms: "500"
group.min.session.timeout.ms: "6000"
# Groups of protocol `consumer` have no session of the client's own: the default is 45 s.
group.consumer.min.session.timeout.ms: "6000"
group.consumer.session.timeout.ms: "10000"
group.consumer.min.heartbeat.interval.ms: "1000"
group.consumer.heartbeat.interval.ms: "2500"
{{- end }}
