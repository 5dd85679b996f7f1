{{/* The helpers that all parts share; subcharts see them because Helm has one space of template names. */}}

{{/* Name of an object: (list . "hub") gives <release>-hub. The only place where names are made. */}}
{{- define "jld.name" -}}
{{ (index . 0).Release.Name }}-{{ index . 1 }}
{{- end }}

{{/* Labels by which a component's pods are found: (list . "hub"). They never change: a Deployment's selector is immutable. */}}
{{- define "jld.selector" -}}
app.kubernetes.io/name: jld
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object: (list . "hub"). */}}
{{- define "jld.labels" -}}
{{ include "jld.selector" . }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{/* Reference of an image of ours: (list . .Values.image). */}}
{{- define "jld.image" -}}
{{- $top := index . 0 }}{{ $image := index . 1 -}}
{{ $top.Values.global.imageRegistry }}/{{ $image.repository }}:{{ $image.tag | default $top.Chart.AppVersion }}
{{- end }}

{{/* imagePullSecrets of a pod. */}}
{{- define "jld.pullSecrets" -}}
[{{ range .Values.global.imagePullSecrets }}{name: {{ . | quote }}}, {{ end }}]
{{- end }}

{{/* securityContext of a pod that runs as one user and group: the number. Its volumes belong to the same group. */}}
{{- define "jld.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* securityContext of every container. */}}
{{- define "jld.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The files of jupyterhub_config.d: ours, then the site's, where a file of the same name replaces ours. In the hub's context.
     AsConfig leaves out the last line end, which would be missing from the last file. */}}
{{- define "jld.hubConfig" -}}
{{- $ours := printf "%s\n" (.Files.Glob "files/jupyterhub_config.d/*.py").AsConfig | fromYaml -}}
{{ merge dict .Values.extraConfig $ours | toYaml }}
{{- end }}
