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

{{- define "imdb-ingest.dns" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
  {{- with .Values.networkPolicy.dns }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
