{{/* A variable from a Secret: (list "REDIS_URL" "name of the Secret" "key"). */}}
{{- define "imdb-ingest.secret" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}

{{- define "imdb-ingest.databaseUrl" -}}
{{ include "imdb-ingest.secret" (list "DATABASE_URL" .Values.postgresql.existingSecret .Values.postgresql.urlKey) }}
{{- end }}

{{- define "imdb-ingest.apiDatabaseUrl" -}}
{{ include "imdb-ingest.secret" (list "INGEST_API_DATABASE_URL" .Values.postgresql.existingSecret .Values.postgresql.apiUrlKey) }}
{{- end }}

{{- define "imdb-ingest.redisUrl" -}}
{{ include "imdb-ingest.secret" (list "REDIS_URL" .Values.redis.existingSecret .Values.redis.urlKey) }}
{{- end }}

{{/* What loads files and takes them in needs to know. */}}
{{- define "imdb-ingest.environment" -}}
{{ include "imdb-ingest.databaseUrl" . }}
{{ include "imdb-ingest.redisUrl" . }}
{{- if .Values.storage.url }}
- name: INGEST_STORAGE_URL
  value: {{ .Values.storage.url | quote }}
{{- else }}
- name: INGEST_DATA_DIR
  value: /data
{{- end }}
# a container listens on all of its addresses, which it refuses to do without keys
- name: INGEST_REQUIRE_KEYS
  value: "true"
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ include "imdb-ingest.text" $value | quote }}
{{- end }}
{{- end }}

{{/* The variables of the bucket's Secret. */}}
{{- define "imdb-ingest.storageSecret" -}}
{{- if and .Values.storage.url .Values.storage.existingSecret -}}
envFrom:
  - secretRef: { name: {{ .Values.storage.existingSecret }} }
{{- end -}}
{{- end }}

{{/* Helm reads every number as a float, and would write a large one with an exponent. */}}
{{- define "imdb-ingest.text" -}}
{{- if and (kindIs "float64" .) (eq (toString (floor .)) (toString .)) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}
