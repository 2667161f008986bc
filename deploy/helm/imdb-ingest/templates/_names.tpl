{{- define "imdb-ingest.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Short enough for what the components append. */}}
{{- define "imdb-ingest.fullname" -}}
{{- $name := include "imdb-ingest.name" . -}}
{{- $default := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $default .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- end }}

{{/* Of all pods of the release. */}}
{{- define "imdb-ingest.releaseLabels" -}}
app.kubernetes.io/name: {{ include "imdb-ingest.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of the pods of a component: (list $ "api"). These never change. */}}
{{- define "imdb-ingest.selectorLabels" -}}
{{ include "imdb-ingest.releaseLabels" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Of an object of a component: (list $ "api"). */}}
{{- define "imdb-ingest.labels" -}}
{{- $root := index . 0 -}}
{{ include "imdb-ingest.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name and labels of an object of a component: (list $ "api"). */}}
{{- define "imdb-ingest.metadata" -}}
name: {{ include "imdb-ingest.fullname" (index . 0) }}-{{ index . 1 }}
labels:
  {{- include "imdb-ingest.labels" . | nindent 2 }}
{{- end }}

{{- define "imdb-ingest.serviceAccountName" -}}
{{- default (include "imdb-ingest.fullname" .) .Values.serviceAccount.name -}}
{{- end }}

{{/* (list $ .Values.images.api) */}}
{{- define "imdb-ingest.image" -}}
{{- $image := index . 1 -}}
{{- $tag := default (index . 0).Chart.AppVersion $image.tag -}}
{{- printf "%s%s%s" $image.repository (hasPrefix "sha256:" $tag | ternary "@" ":") $tag -}}
{{- end }}
