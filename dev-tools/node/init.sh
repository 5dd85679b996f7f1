#!/bin/sh
# The node's programs, each started again a second after it ends, and later where it ends again and again: on a slow
# machine they would keep from each other the time to start. Logs are in /var/log.
# init.sh NAME ADDRESS GATEWAY
export PATH=/opt/jld/bin:/usr/sbin:/usr/bin:/sbin:/bin
export GOGC=400 # some hundred MB more for all of them, and less of the processor for collecting garbage
pki=/etc/jld/pki
name=$1 node=$2 gateway=$3

keep() {
  program=$1
  shift
  pause=1
  while :; do
    began=$(date +%s)
    "$@" >>"/var/log/$program.log" 2>&1
    echo "$program ended with code $?" >>"/var/log/$program.log"
    [ $(($(date +%s) - began)) -lt 120 ] || pause=1
    sleep "$pause"
    [ "$pause" -ge 16 ] || pause=$((pause * 2))
  done &
}

ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.1; done
ip addr add "$node/32" dev eth0
ip link set eth0 up
ip route add default via "$gateway" dev eth0 onlink
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null
# The addresses of pods are known on all nodes, and beyond them on none.
iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE

keep containerd containerd --config /etc/jld/containerd.toml
if [ -e /etc/jld/control-plane.sh ]; then
  . /etc/jld/control-plane.sh
fi
keep kubelet kubelet --config /etc/jld/kubelet.yaml --kubeconfig /etc/jld/kubelet.kubeconfig \
  --node-ip "$node" --hostname-override "$name"
keep kube-proxy kube-proxy --kubeconfig /etc/jld/proxy.kubeconfig --hostname-override "$name" \
  --proxy-mode iptables --cluster-cidr 10.244.0.0/16 --conntrack-max-per-core 0
keep network-policies network-policies /etc/jld/network-policies.kubeconfig "$name" 10.96.0.0/16
wait
