#!/bin/sh
# Runs in fresh mount, network, PID, UTS, IPC and cgroup namespaces: a Docker Engine with a root file system, a network
# and cgroups of its own. Nothing here is seen outside, and all of it goes when process 1 ends.
# enter.sh ROOT STATE NAME ADDRESS GATEWAY HIERARCHY...
set -eu
root=$1 state=$2 name=$3 address=$4 gateway=$5
shift 5

. "${0%/*}/../node/root.sh"

mkdir -p "$state/docker" var/lib/docker "$state/log" var/log lib/modules
mount --bind "$state/docker" var/lib/docker
mount --bind "$state/log" var/log

settle "$name"
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.1; done
ip addr add "$address/30" dev eth0
ip link set eth0 up
ip route add default via "$gateway"
exec /usr/bin/catatonit -- dockerd --storage-driver overlay2 --bridge none --log-level warn
