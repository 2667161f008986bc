{{/* Rules of a NetworkPolicy. No peers: everybody. */}}

{{/* From these peers to the port `http`: a list of peers */}}
{{- define "imdb-ingest.clients" -}}
- ports: [{ port: http }]
  {{- with . }}
  from: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* To a server: .Values.networkPolicy.redis */}}
{{- define "imdb-ingest.server" -}}
- ports: [{ port: {{ .port }} }]
  {{- with .peers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* From those who read metrics to a port, unless it is closed: (list root port) */}}
{{- define "imdb-ingest.readers" -}}
{{- $peers := (index . 0).Values.networkPolicy.metricsClients }}
{{- $port := int (index . 1) }}
{{- if and $peers $port }}
- ports: [{ port: {{ $port }} }]
  from: {{- toYaml $peers | nindent 4 }}
{{- end }}
{{- end }}

{{/* To the servers that take what is seen */}}
{{- define "imdb-ingest.collectors" -}}
{{- range .Values.networkPolicy.collectors }}
{{ include "imdb-ingest.server" . }}
{{- end }}
{{- end }}

{{/* To where files are fetched: nowhere, unless there are peers */}}
{{- define "imdb-ingest.pulls" -}}
{{- with .Values.networkPolicy.pulls }}
- ports: [{ port: 443 }]
  to: {{- toYaml . | nindent 4 }}
{{- end }}
{{- end }}

{{- define "imdb-ingest.dns" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
  {{- with .Values.networkPolicy.dns }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
