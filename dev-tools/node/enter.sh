#!/bin/sh
# Runs in fresh mount, network, PID, UTS, IPC and cgroup namespaces and turns them into the node: its own root file
# system, /proc, /sys, /run and cgroup hierarchies. Nothing here is seen outside, and all of it goes when process 1 ends.
# enter.sh ROOT STATE SHARED PROGRAMS NFS_CLIENT CONFIG NAME ADDRESS GATEWAY HIERARCHY...
set -eu
root=$1 state=$2 shared=$3 programs=$4 nfs_client=$5 config=$6 name=$7 address=$8 gateway=$9
shift 9

mount --make-rprivate /
# Nodes share the root file system, and what one writes there is its own and gone with it.
mkdir -p "$state/root"
mount -t tmpfs -o mode=755 tmpfs "$state/root"
mkdir "$state/root/written" "$state/root/work" "$state/root/merged"
mount -t overlay -o "lowerdir=$root,upperdir=$state/root/written,workdir=$state/root/work" overlay "$state/root/merged"
cd "$state/root/merged"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp

if [ "$1" = unified ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  for hierarchy in "$@"; do
    mkdir -p "sys/fs/cgroup/$hierarchy"
    case $hierarchy in
      systemd) mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "sys/fs/cgroup/$hierarchy" ;;
    esac
  done
fi

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
hostname "$name"

pivot_root . mnt
cd /
umount -l /mnt
mount --make-rshared /
exec /usr/bin/catatonit -- /bin/sh /etc/jld/init.sh "$name" "$address" "$gateway"
