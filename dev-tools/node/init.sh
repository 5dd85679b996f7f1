#!/bin/sh
# The node's programs, each started again a second after it ends. Logs are in /var/log.
export PATH=/opt/jld/bin:/usr/sbin:/usr/bin:/sbin:/bin
pki=/etc/jld/pki
node=198.18.0.2

keep() {
  name=$1
  shift
  while :; do
    "$@" >>"/var/log/$name.log" 2>&1
    echo "$name ended with code $?" >>"/var/log/$name.log"
    sleep 1
  done &
}

ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.1; done
ip addr add "$node/30" dev eth0
ip link set eth0 up
ip route add default via 198.18.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null

keep containerd containerd --config /etc/jld/containerd.toml
# Nothing here is worth an fsync: a node that loses power is made anew.
keep etcd etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380
keep kube-apiserver kube-apiserver \
  --etcd-servers http://127.0.0.1:2379 --advertise-address "$node" --allow-privileged \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
  --service-cluster-ip-range 10.96.0.0/16 \
  --client-ca-file $pki/ca.crt --tls-cert-file $pki/apiserver.crt --tls-private-key-file $pki/apiserver.key \
  --kubelet-client-certificate $pki/apiserver-kubelet.crt --kubelet-client-key $pki/apiserver-kubelet.key \
  --kubelet-certificate-authority $pki/ca.crt --kubelet-preferred-address-types InternalIP \
  --service-account-issuer https://kubernetes.default.svc.cluster.local \
  --service-account-key-file $pki/service-accounts.key --service-account-signing-key-file $pki/service-accounts.key
keep kube-controller-manager kube-controller-manager \
  --kubeconfig /etc/jld/controller-manager.kubeconfig --use-service-account-credentials \
  --service-account-private-key-file $pki/service-accounts.key --root-ca-file $pki/ca.crt
keep kube-scheduler kube-scheduler --kubeconfig /etc/jld/scheduler.kubeconfig
keep kubelet kubelet --config /etc/jld/kubelet.yaml --kubeconfig /etc/jld/kubelet.kubeconfig \
  --node-ip "$node" --hostname-override jld-node
keep kube-proxy kube-proxy --kubeconfig /etc/jld/proxy.kubeconfig --hostname-override jld-node \
  --proxy-mode iptables --cluster-cidr 10.244.0.0/16 --conntrack-max-per-core 0
keep network-policies network-policies /etc/jld/network-policies.kubeconfig jld-node 10.96.0.0/16
keep coredns coredns -conf /etc/jld/Corefile
keep local-path-provisioner local-path-provisioner start --kubeconfig /etc/jld/provisioner.kubeconfig \
  --namespace kube-system --provisioner-name rancher.io/local-path --config /etc/jld/local-path.json \
  --configmap-name local-path --service-account-name default --helper-image localhost/jld/node-helper:1
wait
