{{- define "pixo.redis.conf" -}}
port 6379
protected-mode no
dir /data
# Every write is on disk within a second, and at once where a client was promised something (WAITAOF).
appendonly yes
appendfsync everysec
save ""
# Nothing is thrown away: a full server refuses writes, and the roles wait.
maxmemory {{ .Values.redis.maxmemory }}
maxmemory-policy noeviction
tcp-keepalive 60
{{- if .Values.redis.auth.enabled }}
include /run/valkey/auth.conf
{{- end }}
{{- end }}
