{{/* What the volumes of each mode are made of. */}}

{{/* The volumes as a list of PersistentVolumes: (list . SOURCE), where SOURCE is nfs, external or hostPath. A volume belongs to the whole
     cluster, so its name holds namespace and release; volume and claim name each other, so that neither can be bound to something else. Helm takes
     over those that the address hook made when they become plain manifests, which the annotations of the release allow. */}}
{{- define "jld.volumes" -}}
{{- $ := index . 0 }}{{ $source := index . 1 -}}
{{- range $name, $volume := tpl ($.Files.Get "manifests/shared-volumes.yaml") $ | fromYaml }}
{{- if not $volume.existingClaim }}
- apiVersion: v1
  kind: PersistentVolume
  metadata:
    name: {{ include "jld.volumeName" (list $ $name) }}
    labels: {{- include "jld.labels" (list $ "storage") | nindent 6 }}
    annotations:
      helm.sh/resource-policy: keep
      meta.helm.sh/release-name: {{ $.Release.Name | quote }}
      meta.helm.sh/release-namespace: {{ $.Release.Namespace | quote }}
  spec:
    accessModes: [ReadWriteMany]
    claimRef:
      apiVersion: v1
      kind: PersistentVolumeClaim
      namespace: {{ $.Release.Namespace | quote }}
      name: {{ include "jld.name" (list $ $name) }}
    {{- if eq $source "nfs" }}
    capacity: {storage: {{ $volume.capacity | default $.Values.nfs.capacity }}}
    nfs: {server: {{ $.Values.nfs.address.clusterIP | quote }}, path: /{{ $name }}}
    mountOptions: {{- concat $.Values.nfs.mountOptions ($volume.mountOptions | default list) | toYaml | nindent 6 }}
    {{- else if eq $source "external" }}
    capacity: {storage: {{ $volume.capacity | default $.Values.external.capacity }}}
    nfs:
      server: {{ $volume.server | default $.Values.external.server | quote }}
      path: {{ $volume.path | default (printf "%s/%s" (trimSuffix "/" $.Values.external.path) $name) }}
    mountOptions: {{- concat $.Values.external.mountOptions ($volume.mountOptions | default list) | toYaml | nindent 6 }}
    {{- else }}
    capacity: {storage: {{ $volume.capacity | default $.Values.hostPath.capacity }}}
    hostPath: {path: {{ $.Values.hostPath.path }}/{{ $name }}, type: DirectoryOrCreate}
    {{- end }}
    persistentVolumeReclaimPolicy: Retain
    storageClassName: ""
{{- end }}
{{- end }}
{{- end }}
