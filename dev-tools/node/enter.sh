#!/bin/sh
# Runs in fresh mount, network, PID, UTS, IPC and cgroup namespaces and turns them into the node: its own root file
# system, /proc, /sys, /run and cgroup hierarchies. Nothing here is seen outside, and all of it goes when process 1 ends.
# enter.sh ROOT STATE SHARED PROGRAMS NFS_CLIENT CONFIG NAME ADDRESS GATEWAY HIERARCHY...
set -eu
root=$1 state=$2 shared=$3 programs=$4 nfs_client=$5 config=$6 name=$7 address=$8 gateway=$9
shift 9

. "${0%/*}/root.sh"

for folder in containerd etcd kubelet jld; do
  mkdir -p "$state/$folder" "var/lib/$folder"
  mount --bind "$state/$folder" "var/lib/$folder"
done
mkdir -p "$shared" var/lib/jld-shared
mount --bind "$shared" var/lib/jld-shared # a disk that every node has
mkdir -p "$state/log" var/log opt/jld/bin etc/jld etc/cni/net.d
mount --bind "$state/log" var/log
mount --bind "$programs" opt/jld/bin
mount --bind "$config" etc/jld
touch usr/sbin/mount.nfs
mount --bind "$nfs_client" usr/sbin/mount.nfs # which mount(8) calls, and kubelet through it
cp etc/jld/cni.conflist etc/cni/net.d/10-bridge.conflist

settle "$name"
exec /usr/bin/catatonit -- /bin/sh /etc/jld/init.sh "$name" "$address" "$gateway"
