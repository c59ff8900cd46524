{{/* The pod of the Deployment and of the StatefulSet. */}}
{{- define "dcs.pod" -}}
metadata:
  labels:
    {{- include "dcs.selectorLabels" . | nindent 4 }}
    {{- with .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $config := include "dcs.config" . }}
  {{- $checksum := and $config (not .Values.lifecycle.enabled) }}
  {{- if or $checksum .Values.podAnnotations }}
  annotations:
    {{- if $checksum }}
    checksum/config: {{ sha256sum $config }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "dcs.serviceAccountName" . }}
  automountServiceAccountToken: false
  # Variables such as DCS_EXPORTER_SERVICE_HOST would be taken for settings.
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "dcs.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        {{- include "dcs.args" . | nindent 8 }}
      {{- $storage := not .Values.demo }}
      {{- if or $storage .Values.extraEnv }}
      env:
        {{- if $storage }}
        - name: DCS_EXPORTER_STORAGE__PATH
          value: /var/lib/dcs-backup-exporter
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 10105
      livenessProbe:
        {{- include "dcs.probe" (dict "root" . "path" "/-/healthy" "times" .Values.livenessProbe) | nindent 8 }}
      readinessProbe:
        {{- include "dcs.probe" (dict "root" . "path" "/-/ready" "times" .Values.readinessProbe) | nindent 8 }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      {{- with include "dcs.mounts" . | trim }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
  {{- with include "dcs.volumes" . | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Whether there is a configuration file at all: the environment alone may be enough. */}}
{{- define "dcs.hasConfig" -}}
{{- if or .Values.existingConfigMap .Values.existingConfigSecret (include "dcs.config" .) -}}true{{- end -}}
{{- end -}}

{{- define "dcs.args" -}}
{{- if .Values.demo -}}
- demo
{{ else if include "dcs.hasConfig" . -}}
- --config.file=/etc/dcs-backup-exporter/config/{{ .Values.configKey }}
{{ end -}}
- --web.listen-address=:10105
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- if include "dcs.sharded" . }}
- --shard.total={{ int .Values.shards }}
- --shard.ordinal=auto
{{- end }}
{{- if .Values.lifecycle.enabled }}
- --web.enable-lifecycle
{{- end }}
{{- if or .Values.webConfig .Values.existingWebConfigSecret }}
- --web.config.file=/etc/dcs-backup-exporter/web/web-config.yml
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "dcs.mounts" -}}
{{- if include "dcs.hasConfig" . }}
- name: config
  mountPath: /etc/dcs-backup-exporter/config
  readOnly: true
{{- end }}
{{- if .Values.existingSecret }}
- name: credentials
  mountPath: /etc/dcs-backup-exporter/credentials
  readOnly: true
{{- end }}
{{- if .Values.oidc.enabled }}
- name: token
  mountPath: /var/run/secrets/huaweicloud
  readOnly: true
{{- end }}
{{- if or .Values.webConfig .Values.existingWebConfigSecret }}
- name: web
  mountPath: /etc/dcs-backup-exporter/web
  readOnly: true
{{- end }}
{{- if .Values.tlsSecret }}
- name: tls
  mountPath: /etc/dcs-backup-exporter/tls
  readOnly: true
{{- end }}
{{- if not .Values.demo }}
- name: storage
  mountPath: /var/lib/dcs-backup-exporter
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "dcs.volumes" -}}
{{- $fullname := include "dcs.fullname" . }}
{{- if include "dcs.hasConfig" . }}
- name: config
  {{- if or .Values.existingConfigSecret (and .Values.configAsSecret (not .Values.existingConfigMap)) }}
  secret:
    secretName: {{ default (printf "%s-config" $fullname) .Values.existingConfigSecret }}
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ default $fullname .Values.existingConfigMap }}
  {{- end }}
{{- end }}
{{- with .Values.existingSecret }}
- name: credentials
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.oidc }}
{{- if .enabled }}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          audience: {{ .audience | quote }}
          expirationSeconds: {{ int .expirationSeconds }}
          path: token
{{- end }}
{{- end }}
{{- if or .Values.webConfig .Values.existingWebConfigSecret }}
- name: web
  secret:
    secretName: {{ default (printf "%s-web" $fullname) .Values.existingWebConfigSecret }}
    defaultMode: 0440
{{- end }}
{{- with .Values.tlsSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if .Values.demo }}
{{- else if not .Values.persistence.enabled }}
- name: storage
  emptyDir: {}
{{- else if not (include "dcs.sharded" .) }}
- name: storage
  persistentVolumeClaim:
    claimName: {{ default $fullname .Values.persistence.existingClaim }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "dcs.claimSpec" -}}
accessModes:
  {{- toYaml .Values.persistence.accessModes | nindent 2 }}
{{- with .Values.persistence.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size }}
{{- end -}}
