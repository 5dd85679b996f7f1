#!/bin/sh
# A node's network: a bridge for its pods, routes to the pods of other nodes, and NetworkPolicies. What kindnet is in kind's
# own image, from the parts of the native cluster.
# network.sh NODE POD_NETWORK SERVICE_NETWORK
set -eu
node=$1 all_pods=$2 services=$3

# Until kube-proxy has its rules, nothing answers at the API server's address and nothing refuses.
ask() { timeout 5 kubectl get "$@"; }

until pods=$(ask node "$node" --output=jsonpath='{.spec.podCIDR}') && [ "$pods" ]; do sleep 1; done
sed "s|POD_SUBNET|$pods|" /etc/cni.conflist >/etc/cni/net.d/.10-pods
mv /etc/cni/net.d/.10-pods /etc/cni/net.d/10-pods.conflist
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || modprobe br_netfilter || true
masquerade="POSTROUTING -s $all_pods ! -d $all_pods -j MASQUERADE"
iptables -t nat -C $masquerade 2>/dev/null || iptables -t nat -A $masquerade

while :; do
  ask nodes --output=jsonpath='{range .items[*]}{.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}' |
    while read -r theirs address; do
      [ "$theirs" = "$pods" ] || [ -z "$address" ] || ip route replace "$theirs" via "$address"
    done
  sleep 5
done &
exec network-policies "" "$node" "$services"
