#!/bin/sh
# kubeadm's CoreDNS has arguments and no command; the pause process of a pod has neither.
[ $# -eq 0 ] || exec coredns "$@"
exec catatonit -P
