#!/bin/sh
# Runs the NFS server's image as its pod does: on a read-only root file system with /run and /tmp in memory, with a
# volume on /export, the settings in /etc/jld, no new privileges and no capability but those named.
# enter.sh ROOT VOLUME SETTINGS CAPABILITIES
set -eu
root=$1 volume=$2 settings=$3 capabilities=$4
mount --bind "$root" "$root"
mount --bind "$volume" "$root/export"
mount --bind "$settings" "$root/etc/jld"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --no-new-privs --bounding-set="-all,$capabilities" --inh-caps=-all jld-nfs-server
