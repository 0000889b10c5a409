{{/* Labels: the release's, and those that select one component's pods. */}}
{{- define "septet.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "septet.labels" -}}
{{ include "septet.selector" . }}
app.kubernetes.io/part-of: septet
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "septet.fullname" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "septet.image" -}}
{{ printf "%s/%s:%s" .root.Values.image.registry .name (.root.Values.image.tag | default .root.Chart.AppVersion) }}
{{- end }}

{{/* The ceiling of a service's pods: a partition is read by one of them. */}}
{{- define "septet.maxReplicas" -}}
{{- $wanted := int .service.replicas.max -}}
{{- $ceiling := int .root.Values.kafka.partitions -}}
{{- $maximum := min $wanted $ceiling -}}
{{- if lt $maximum (int .service.replicas.min) -}}
{{- fail (printf "services.%s.replicas.min is %d, above kafka.partitions (%d): pods without a partition idle; lower the one or raise the other" .name (int .service.replicas.min) $ceiling) -}}
{{- end -}}
{{- $maximum -}}
{{- end }}

{{- define "septet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "septet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What every service and the setup jobs know of Kafka. */}}
{{- define "septet.kafkaEnv" -}}
- name: SEPTET_KAFKA_BOOTSTRAP
  value: {{ .root.Values.kafka.bootstrap | quote }}
- name: SEPTET_KAFKA_PROTOCOL
  value: {{ .root.Values.kafka.protocol }}
{{- if hasPrefix "SASL" .root.Values.kafka.protocol }}
- name: SEPTET_KAFKA_USERNAME
  value: {{ .name }}
{{- end }}
{{- if hasSuffix "SSL" .root.Values.kafka.protocol }}
- name: SEPTET_KAFKA_CA_FILE
  value: /run/ca/kafka/{{ .root.Values.kafka.caSecret.key }}
{{- end }}
- name: SEPTET_SECRETS_DIR
  value: /run/secrets/septet
- name: SEPTET_TENANTS_FILE
  value: /etc/septet/tenants.yaml
{{- end }}

{{- define "septet.collectorAddress" -}}
{{ if .Values.traces.collector.enabled -}}
http://{{ include "septet.fullname" (dict "root" . "name" "collector") }}:4318
{{- else -}}
{{ .Values.traces.endpoint }}
{{- end }}
{{- end }}
