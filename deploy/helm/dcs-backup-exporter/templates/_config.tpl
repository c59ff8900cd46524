{{/* The configuration file that the chart writes; empty where there is none, or one of the user's own. */}}
{{- define "dcs.config" -}}
{{- if kindIs "string" .Values.config -}}
{{- .Values.config -}}
{{- else if .Values.config -}}
{{- toYaml .Values.config -}}
{{- else if .Values.region -}}
{{- include "dcs.shortConfig" . -}}
{{- end -}}
{{- end -}}

{{/* One project, all of its instances. */}}
{{- define "dcs.shortConfig" -}}
projects:
  - name: {{ .Values.region | quote }}
    region: {{ .Values.region | quote }}
    {{- with .Values.projectId }}
    project_id: {{ . | quote }}
    {{- end }}
    {{- if or .Values.existingSecret .Values.oidc.enabled }}
    credentials: default

credentials:
  default:
    {{- end }}
    {{- if .Values.existingSecret }}
    {{- with .Values.existingSecretKeys }}
    access_key_file: {{ printf "/etc/dcs-backup-exporter/credentials/%s" .accessKey | quote }}
    secret_key_file: {{ printf "/etc/dcs-backup-exporter/credentials/%s" .secretKey | quote }}
    {{- with .securityToken }}
    security_token_file: {{ printf "/etc/dcs-backup-exporter/credentials/%s" . | quote }}
    {{- end }}
    {{- end }}
    {{- else if .Values.oidc.enabled }}
    {{- if .Values.oidc.idpId }}
    source: oidc
    idp_id: {{ .Values.oidc.idpId | quote }}
    {{- else }}
    source: oidc_agency
    provider_urn: {{ .Values.oidc.providerUrn | quote }}
    agency_urn: {{ .Values.oidc.agencyUrn | quote }}
    {{- end }}
    id_token_file: /var/run/secrets/huaweicloud/token
    {{- end }}
{{- end -}}

{{/* Refuses what would not do what it says. */}}
{{- define "dcs.validate" -}}
{{- $values := .Values -}}
{{- $files := list -}}
{{- range $name := list "config" "existingConfigMap" "existingConfigSecret" "region" -}}
{{- if index $values $name -}}{{- $files = append $files $name -}}{{- end -}}
{{- end -}}
{{- if gt (len $files) 1 -}}
{{- fail (printf "%s: set only one of them, each says what is watched" (join ", " $files)) -}}
{{- end -}}
{{- if .Values.demo -}}
{{- if $files -}}
{{- fail (printf "demo: watches the simulated cloud alone; leave out %s, or demo" (first $files)) -}}
{{- end -}}
{{- if include "dcs.sharded" . -}}{{- fail "demo: runs in one pod; leave out shards, or demo" -}}{{- end -}}
{{- if or .Values.webConfig .Values.existingWebConfigSecret .Values.lifecycle.enabled -}}
{{- fail "demo: has neither a web configuration nor a reload; leave out webConfig, existingWebConfigSecret and lifecycle.enabled, or demo" -}}
{{- end -}}
{{- else if not (or $files .Values.extraEnv .Values.extraEnvFrom) -}}
{{- fail "nothing to watch: set region (and existingSecret), config, or demo=true to look at a simulated cloud" -}}
{{- end -}}
{{- if and .Values.projectId (not .Values.region) -}}
{{- fail "projectId: belongs to region; with config, write project_id there" -}}
{{- end -}}
{{- if .Values.region -}}
{{- if and .Values.existingSecret .Values.oidc.enabled -}}
{{- fail "existingSecret, oidc.enabled: with region, only one of them can say how to log in" -}}
{{- end -}}
{{- if .Values.oidc.enabled -}}
{{- $agency := and .Values.oidc.providerUrn .Values.oidc.agencyUrn -}}
{{- if not (or .Values.oidc.idpId $agency) -}}
{{- fail "oidc.idpId: missing; with region it, or oidc.providerUrn and oidc.agencyUrn, say how to log in" -}}
{{- end -}}
{{- if and .Values.oidc.idpId (or .Values.oidc.providerUrn .Values.oidc.agencyUrn) -}}
{{- fail "oidc.idpId: stands alone, or leave it out for oidc.providerUrn and oidc.agencyUrn" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.webConfig .Values.existingWebConfigSecret -}}
{{- fail "webConfig, existingWebConfigSecret: set only one of them" -}}
{{- end -}}
{{- if and (include "dcs.sharded" .) .Values.persistence.existingClaim -}}
{{- fail "persistence.existingClaim: a claim is for one pod; with shards leave it out, each pod gets a claim of its own" -}}
{{- end -}}
{{- if and .Values.config (not .Values.configAsSecret) -}}
{{- include "dcs.refuseSecrets" . -}}
{{- end -}}
{{- end -}}

{{/* What would stand in a ConfigMap for all to read. */}}
{{- define "dcs.refuseSecrets" -}}
{{- $config := .Values.config -}}
{{- if kindIs "string" $config -}}{{- $config = fromYaml $config -}}{{- end -}}
{{- with $config.Error -}}{{- fail (printf "config: %s" .) -}}{{- end -}}
{{- $so := "use a file and existingSecret, or set configAsSecret=true" -}}
{{- if $config.credentials -}}
{{- range $name, $entry := $config.credentials -}}
{{- range $key := list "secret_key" "security_token" "password" -}}
{{- if and (kindIs "map" $entry) (hasKey $entry $key) -}}
{{- fail (printf "config.credentials.%s.%s: a secret in a ConfigMap; %s" $name $key $so) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $project := $config.projects -}}
{{- if and (kindIs "map" $project) (contains "@" (toString $project.proxy)) -}}
{{- fail (printf "config.projects: the proxy of %v holds a password in a ConfigMap; set configAsSecret=true" $project.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether the port speaks TLS, by webConfig. */}}
{{- define "dcs.tls" -}}
{{- $tls := .Values.webConfig.tls_server_config | default dict -}}
{{- if or $tls.cert $tls.cert_file -}}true{{- end -}}
{{- end -}}

{{- define "dcs.probeKind" -}}
{{- $tls := .Values.webConfig.tls_server_config | default dict -}}
{{- $shy := has ($tls.client_auth_type | default "") (list "RequireAnyClientCert" "RequireClientCert" "RequireAndVerifyClientCert") -}}
{{- if ne .Values.probeKind "auto" -}}
{{- .Values.probeKind -}}
{{- else if or .Values.existingWebConfigSecret .Values.webConfig.basic_auth_users .Values.webConfig.rate_limit $shy -}}
tcp
{{- else if include "dcs.tls" . -}}
https
{{- else -}}
http
{{- end -}}
{{- end -}}

{{- define "dcs.probe" -}}
{{- $kind := include "dcs.probeKind" .root -}}
{{- if eq $kind "tcp" -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if eq $kind "https" }}
  scheme: HTTPS
  {{- end }}
{{- end }}
{{ toYaml .times }}
{{- end -}}
