// Enforces NetworkPolicies on the node: kube-router's controller for them alone. The full program links a BGP server and a
// load balancer, which one node does not need.
package main

import (
	"log"
	"os"
	"sync"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// policies KUBECONFIG NODE SERVICE-CIDR
func main() {
	config := options.NewKubeRouterConfig()
	config.Kubeconfig, config.HostnameOverride = os.Args[1], os.Args[2]
	config.ClusterIPCIDRs = []string{os.Args[3]}
	config.EnableIPv4 = true

	rest := must(clientcmd.BuildConfigFromFlags("", config.Kubeconfig))
	client := must(kubernetes.NewForConfig(rest))
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces := factory.Core().V1().Pods().Informer(), factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()

	forever := make(chan struct{})
	factory.Start(forever)
	factory.WaitForCacheSync(forever)

	iptables, ipsets, err := netpol.NewIPTablesHandlers(config)
	check(err)
	var lock sync.Mutex
	controller := must(netpol.NewNetworkPolicyController(
		client, config, pods, policies, namespaces, &lock, iptables, ipsets))
	subscribe(pods, controller.PodEventHandler)
	subscribe(namespaces, controller.NamespaceEventHandler)
	subscribe(policies, controller.NetworkPolicyEventHandler)

	beats := make(chan *healthcheck.ControllerHeartbeat)
	go func() {
		for range beats {
		}
	}()
	var running sync.WaitGroup
	running.Add(1)
	controller.Run(beats, forever, &running)
}

func subscribe(informer cache.SharedIndexInformer, handler cache.ResourceEventHandler) {
	must(informer.AddEventHandler(handler))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

// The node starts a program that ends again.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
