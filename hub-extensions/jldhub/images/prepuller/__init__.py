"""What is pulled where and when: pure functions of nodes, wanted images, pods and time, which know no Kubernetes client."""
