{{/* What every pod has: (list $ "api"). The same numbers as the user of the images. */}}
{{- define "imdb-ingest.pod" -}}
{{- $root := index . 0 -}}
automountServiceAccountToken: false
# else a Service called `flower` would give Flower a FLOWER_PORT
enableServiceLinks: false
# process 1 is not ours: it ends what our processes leave behind, and signals reach them as usual
shareProcessNamespace: true
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "imdb-ingest.selectorLabels" . | nindent 8 }}
{{- end }}

{{- define "imdb-ingest.podMetadata" -}}
labels:
  {{- include "imdb-ingest.labels" . | nindent 2 }}
{{- with (index . 0).Values.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every container has: (list $ .Values.images.api). */}}
{{- define "imdb-ingest.container" -}}
image: {{ include "imdb-ingest.image" . | quote }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "imdb-ingest.tmpVolume" -}}
- name: tmp
  emptyDir: { medium: Memory, sizeLimit: 64Mi }
{{- end }}

{{- define "imdb-ingest.uploadsVolume" -}}
{{- if not .Values.storage.url -}}
- name: uploads
  persistentVolumeClaim:
    claimName: {{ default (printf "%s-uploads" (include "imdb-ingest.fullname" .)) .Values.storage.existingClaim }}
{{- end -}}
{{- end }}

{{- define "imdb-ingest.uploadsMount" -}}
{{- if not .Values.storage.url -}}
- { name: uploads, mountPath: /data }
{{- end -}}
{{- end }}
