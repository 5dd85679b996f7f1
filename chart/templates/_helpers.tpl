{{/* The helpers that all parts share; subcharts see them because Helm has one space of template names. */}}

{{/* Name of an object: (list . "hub") gives <release>-hub. The only place where names are made. */}}
{{- define "jld.name" -}}
{{ (index . 0).Release.Name }}-{{ index . 1 }}
{{- end }}

{{/* Name of a ConfigMap that pods mount: (list . "nginx" DATA), where DATA is the text whose change makes another one. So a pod keeps what it
     was started with, whatever becomes of an upgrade. A pod's template takes the name from the ConfigMap's own. */}}
{{- define "jld.configName" -}}
{{ include "jld.name" . }}-{{ index . 2 | sha256sum | trunc 10 }}
{{- end }}

{{/* Name of an object that belongs to no namespace: (list . "storage-drain"). A namespace's name has no dot, so that no two releases of a
     cluster have such a name in common. */}}
{{- define "jld.clusterName" -}}
{{ (index . 0).Release.Namespace }}.{{ include "jld.name" . }}
{{- end }}

{{/* Name of a PersistentVolume: (list . "home"). A claim never changes its volume: one of an installation from before such names had a dot
     keeps the name that it has. */}}
{{- define "jld.volumeName" -}}
{{- $ := index . 0 }}{{ $claim := include "jld.name" . }}{{ $before := printf "%s-%s" $.Release.Namespace $claim -}}
{{- $bound := lookup "v1" "PersistentVolumeClaim" $.Release.Namespace $claim | dig "spec" "volumeName" "" -}}
{{ ternary $before (include "jld.clusterName" .) (eq $bound $before) }}
{{- end }}

{{/* Name of the hub's ClusterRole, which owns the namespaces of people: one that is there from before such names had a dot keeps its name,
     for Kubernetes deletes the namespaces with it. */}}
{{- define "jld.hubClusterRole" -}}
{{- $before := printf "%s-%s" .Release.Namespace (include "jld.name" (list . "hub")) -}}
{{- $annotations := lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" $before | dig "metadata" "annotations" dict -}}
{{- $own := and (eq (get $annotations "meta.helm.sh/release-name") .Release.Name) (eq (get $annotations "meta.helm.sh/release-namespace") .Release.Namespace) -}}
{{ ternary $before (include "jld.clusterName" (list . "hub")) $own }}
{{- end }}

{{/* Labels by which a component's pods are found: (list . "hub"). They never change: a Deployment's selector is immutable. */}}
{{- define "jld.selector" -}}
app.kubernetes.io/name: jld
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object: (list . "hub"). A part's template does not know the chart's version, so only the umbrella's objects tell it. A label
     takes no `+` and ends in a letter or digit. */}}
{{- define "jld.labels" -}}
{{ include "jld.selector" . }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- if (index . 0).Chart.IsRoot }}
helm.sh/chart: {{ printf "jld-%s" (index . 0).Chart.Version | replace "+" "_" | trunc 63 | trimAll "-._" }}
{{- end }}
{{- end }}

{{/* Reference of an image of ours: (list . IMAGE) in the umbrella's context, where IMAGE is repository and tag. Without a tag it is the chart's
     appVersion, which a part's template does not know: what runs an image of ours stands in the umbrella's templates. A tag takes no `+`. */}}
{{- define "jld.image" -}}
{{- $top := index . 0 }}{{ $image := index . 1 -}}
{{ $top.Values.global.imageRegistry }}/{{ $image.repository }}:{{ $image.tag | default ($top.Chart.AppVersion | replace "+" "_") }}
{{- end }}

{{/* What every pod has besides what it is for, as `metadata` and `spec`: (list . "hub" OWN LEVEL ...). Each LEVEL is a `pod` of the values, the
     most general one first: a key of a later one takes the place of an earlier one's, and labels and annotations are merged. OWN is what the
     template itself says, which comes last; its affinity holds besides theirs. */}}
{{- define "jld.pod" -}}
{{- $ := index . 0 }}{{ $selector := include "jld.selector" . }}{{ $own := index . 2 }}{{ $pod := dict }}{{ $labels := dict }}{{ $annotations := dict }}
{{- range $level := append (slice . 3) (omit $own "affinity") }}
{{- range $key, $value := $level }}{{ $_ := set $pod $key $value }}{{ end }}
{{- range $name, $value := $level.labels }}{{ $_ := set $labels $name $value }}{{ end }}
{{- range $name, $value := $level.annotations }}{{ $_ := set $annotations $name $value }}{{ end }}
{{- end }}
{{- $affinity := $pod.affinity | default dict | deepCopy }}
{{- range $kind, $wishes := $own.affinity }}
{{- range $when, $terms := $wishes }}
{{- $_ := set $affinity $kind (set (get $affinity $kind | default dict) $when (concat $terms (dig $kind $when list $affinity))) }}
{{- end }}
{{- end }}
metadata:
  labels: {{- merge ($selector | fromYaml) $labels | toYaml | nindent 4 }}
  {{- with $annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  enableServiceLinks: false
  imagePullSecrets: [{{ range $.Values.global.imagePullSecrets }}{name: {{ . | quote }}}, {{ end }}]
  {{- with $affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- range $key := list "nodeSelector" "priorityClassName" "runtimeClassName" "tolerations" }}
  {{- with get $pod $key }}
  {{ $key }}: {{ toJson . }}
  {{- end }}
  {{- end }}
  {{- with $pod.topologySpread }}
  topologySpreadConstraints:
    {{- range . }}
    # Pods of a release of before, which are about to go, do not count.
    - {{ merge (dict "labelSelector" (dict "matchLabels" ($selector | fromYaml)) "matchLabelKeys" (list "pod-template-hash")) . | toJson }}
    {{- end }}
  {{- end }}
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

{{/* The volume `python` of the hub's image: the package jldhub, with the folders that a key of a ConfigMap cannot name. In the umbrella's
     context. */}}
{{- define "jld.hubPython" -}}
- name: python
  projected:
    defaultMode: 0440
    sources:
      - configMap:
          name: {{ (include "jld/charts/hub/templates/hub/configmap-python.yaml" .Subcharts.hub | fromYaml).metadata.name }}
          items:
            {{- range $path, $_ := .Subcharts.hub.Files.Glob "files/jldhub/**" }}
            {{- if not (regexMatch "^files/jldhub/(images|labs)/" $path) }}
            - {key: {{ trimPrefix "files/jldhub/" $path | replace "/" "." }}, path: {{ trimPrefix "files/" $path }}}
            {{- end }}
            {{- end }}
      {{- range $part := list "images" "labs" }}
      {{- $folder := printf "files/jldhub/%s/" $part }}
      - configMap:
          name: {{ (include (printf "jld/charts/hub/templates/hub/configmap-%s-python.yaml" $part) $.Subcharts.hub | fromYaml).metadata.name }}
          items:
            {{- range $path, $_ := $.Subcharts.hub.Files.Glob (print $folder "**") }}
            - {key: {{ trimPrefix $folder $path | replace "/" "." }}, path: {{ trimPrefix "files/" $path }}}
            {{- end }}
      {{- end }}
{{- end }}

{{/* With what the names of people's namespaces begin: with a name of up to 48 characters it makes one of 63, the most that a namespace
     has. */}}
{{- define "jld.userNamespacePrefix" -}}
{{ printf "%s-%s" .Release.Namespace .Release.Name | trunc 7 | trimSuffix "-" }}-{{ printf "%s/%s" .Release.Namespace .Release.Name | sha256sum | trunc 6 }}
{{- end }}
