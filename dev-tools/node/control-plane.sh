#!/bin/sh
# The programs that only the first node has: init.sh reads this file, and has the names that are used here.
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
# Everything else would end and begin again until then, and keep the processor from it.
until [ "$(ss --no-header --listening --tcp --numeric 'sport = :6443')" ]; do sleep 0.2; done
# There is one of each: nobody to be elected before.
keep kube-controller-manager kube-controller-manager --leader-elect=false \
  --kubeconfig /etc/jld/controller-manager.kubeconfig --use-service-account-credentials \
  --service-account-private-key-file $pki/service-accounts.key --root-ca-file $pki/ca.crt
keep kube-scheduler kube-scheduler --leader-elect=false --kubeconfig /etc/jld/scheduler.kubeconfig
keep coredns coredns -conf /etc/jld/Corefile
# One for the disks of a node and one for those that all nodes share: one that knew both by the names of their classes
# would refuse every other class.
for disks in local shared; do
  keep $disks-path-provisioner local-path-provisioner start --kubeconfig /etc/jld/provisioner.kubeconfig \
    --namespace kube-system --provisioner-name rancher.io/$disks-path --config /etc/jld/$disks-path.json \
    --configmap-name local-path --service-account-name default --helper-image localhost/jld/node-helper:1
done
