{{/* The pod of one service: .root, .name, .service */}}
{{- define "septet.pod" -}}
metadata:
  labels: {{- include "septet.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ toYaml (list .root.Values.tenants .root.Values.policies) | sha256sum }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8090"
    prometheus.io/path: /metrics
spec:
  serviceAccountName: {{ include "septet.fullname" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .root.Values.workload.terminationGracePeriodSeconds }}
  securityContext: {{- include "septet.podSecurity" . | nindent 4 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "septet.selector" $ | nindent 10 }}
    {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "septet.image" . }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      securityContext: {{- include "septet.containerSecurity" . | nindent 8 }}
      env: {{- include "septet.env" . | nindent 8 }}
      ports:
        - { name: health, containerPort: 8090, protocol: TCP }
        {{- with .service.port }}
        - { name: http, containerPort: {{ . }}, protocol: TCP }
        {{- end }}
      # The watchdog ends a process that has stalled; the first start may load models for half a minute.
      startupProbe:
        httpGet: { path: /healthz, port: health }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: health }
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: health }
        periodSeconds: 5
        timeoutSeconds: 3
      resources: {{- toYaml .service.resources | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        - { name: config, mountPath: /etc/septet, readOnly: true }
        - { name: secrets, mountPath: /run/secrets/septet, readOnly: true }
        {{- if hasSuffix "SSL" .root.Values.kafka.protocol }}
        - { name: kafka-ca, mountPath: /run/ca/kafka, readOnly: true }
        {{- end }}
        {{- if has "opensearch" .service.needs }}
        - { name: opensearch-ca, mountPath: /run/ca/opensearch, readOnly: true }
        {{- end }}
        {{- if include "septet.gatewayTls" . }}
        - { name: gateway-tls, mountPath: /run/tls/gateway, readOnly: true }
        {{- end }}
        {{- if and .root.Values.policies (eq .name "guardrails") }}
        - { name: policies, mountPath: /etc/septet-policies, readOnly: true }
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: 256Mi }
    - name: config
      configMap: { name: {{ include "septet.fullname" (dict "root" .root "name" "config") }} }
    - name: secrets
      secret: { secretName: {{ .service.secret }}, defaultMode: 0440 }
    {{- if hasSuffix "SSL" .root.Values.kafka.protocol }}
    - name: kafka-ca
      secret: { secretName: {{ .root.Values.kafka.caSecret.name }}, defaultMode: 0444 }
    {{- end }}
    {{- if has "opensearch" .service.needs }}
    - name: opensearch-ca
      secret: { secretName: {{ .root.Values.opensearch.caSecret.name }}, defaultMode: 0444 }
    {{- end }}
    {{- with include "septet.gatewayTls" . }}
    - name: gateway-tls
      secret: { secretName: {{ . }}, defaultMode: 0440 }
    {{- end }}
    {{- if and .root.Values.policies (eq .name "guardrails") }}
    - name: policies
      configMap: { name: {{ include "septet.fullname" (dict "root" .root "name" "policies") }} }
    {{- end }}
{{- end }}

{{/* The Secret with the certificate of this service's API; empty without TLS. */}}
{{- define "septet.gatewayTls" -}}
{{- if eq .name "gateway" }}{{ .root.Values.gateway.tls.secret }}{{ end }}
{{- end }}

{{- define "septet.env" -}}
{{ include "septet.kafkaEnv" . }}
# Static group member and holder of claims: no two pods of a service have the same name.
- name: SEPTET_INSTANCE
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: SEPTET_HEALTH_HOST
  value: "0.0.0.0"
- name: SEPTET_HEALTH_PORT
  value: "8090"
- name: SEPTET_LOG_LEVEL
  value: {{ .root.Values.logLevel }}
- name: SEPTET_CAPTURE_CONTENT
  value: {{ .root.Values.traces.captureContent | quote }}
{{- with include "septet.collectorAddress" .root }}
- name: SEPTET_OTLP_ENDPOINT
  value: {{ . }}
{{- end }}
{{- if has "embeddings" .service.needs }}
- name: SEPTET_EMBEDDINGS_URL
  value: {{ .root.Values.models.embeddings.url }}
- name: SEPTET_EMBEDDINGS_MODEL
  value: {{ .root.Values.models.embeddings.model }}
{{- end }}
{{- if has "judge" .service.needs }}
- name: SEPTET_JUDGE_URL
  value: {{ .root.Values.models.judge.url }}
- name: SEPTET_JUDGE_MODEL
  value: {{ .root.Values.models.judge.model }}
- name: SEPTET_LLM_URL
  value: {{ .root.Values.models.llm.url }}
- name: SEPTET_LLM_MODEL
  value: {{ .root.Values.models.llm.model }}
{{- end }}
{{- if has "llm" .service.needs }}
- name: SEPTET_LLM_URL
  value: {{ .root.Values.models.llm.url }}
- name: SEPTET_LLM_MODEL
  value: {{ .root.Values.models.llm.model }}
{{- end }}
{{- if has "opensearch" .service.needs }}
- name: SEPTET_OPENSEARCH_URL
  value: {{ .root.Values.opensearch.url }}
- name: SEPTET_OPENSEARCH_USER
  value: {{ .root.Values.opensearch.user }}
- name: SEPTET_OPENSEARCH_CA_FILE
  value: /run/ca/opensearch/{{ .root.Values.opensearch.caSecret.key }}
{{- end }}
{{- if eq .name "gateway" }}
- name: SEPTET_GATEWAY_HOST
  value: "0.0.0.0"
- name: SEPTET_GATEWAY_PORT
  value: {{ .service.port | quote }}
{{- if include "septet.gatewayTls" . }}
- name: SEPTET_GATEWAY_TLS_CERTIFICATE
  value: /run/tls/gateway/{{ .root.Values.gateway.tls.certificate }}
- name: SEPTET_GATEWAY_TLS_KEY
  value: /run/tls/gateway/{{ .root.Values.gateway.tls.key }}
{{- end }}
{{- end }}
{{- if and .root.Values.policies (eq .name "guardrails") }}
- name: SEPTET_GUARDRAILS_POLICIES_DIR
  value: /etc/septet-policies
{{- end }}
{{- range $key, $value := mergeOverwrite (dict) .root.Values.env (get .root.Values.serviceEnv .name | default dict) }}
- name: {{ $key }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
