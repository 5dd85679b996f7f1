"""A certificate by cert-manager, whose controller a stand-in plays: the front door starts with the one of the meantime, and leads to the proof."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import yaml
from jld.secrets.self_signed import generate
from jlddev.clusters import providers
from jlddev.tools.custom_resources import CERT_MANAGER, custom_resources
from pytest_helm_charts.clusters import Cluster

from .release import Ports, Release

NAME, HOST = "jld-certificates", "certificates.example.org"
PORTS = Ports(http=31280, https=31283)
SITE = {
    "global": {"hostname": HOST},
    "hub": {"auth": {"dummy": {"users": ["ada"]}}},
    "storage": {"mode": "hostPath", "hostPath": {"path": "/var/lib/jld/test/certificates"}},
    "nginx": {
        "replicas": 1,
        "service": {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}},
        "tls": {"letsencrypt": {"email": "operator@example.org", "server": "https://acme.example.org/directory"}},
    },
}
TOKEN, KEY = "dGhlIHRva2Vu", "dGhlIHRva2Vu.b2YgdGhlIGFjY291bnQ"
# As cert-manager's: the key of the account for its token, under the one name, and nothing else.
SOLVER = f"""
from http.server import BaseHTTPRequestHandler, HTTPServer

class Proof(BaseHTTPRequestHandler):
    def do_GET(self):
        right = (self.path, self.headers["Host"]) == ("/.well-known/acme-challenge/{TOKEN}", "{HOST}")
        self.send_response(200 if right else 404)
        self.end_headers()
        self.wfile.write(b"{KEY}" if right else b"")

HTTPServer(("", 8089), Proof).serve_forever()
"""
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}


def solver_of(issuer: dict[str, Any], image: str) -> dict[str, Any]:
    """The pod that shows the proof, with the labels that an Issuer asks for."""
    (solver,) = issuer["spec"]["acme"]["solvers"]
    labels = solver["http01"]["ingress"]["podTemplate"]["metadata"]["labels"]
    container = {
        "name": "acmesolver",
        "image": image,
        "command": ["python3", "-c", SOLVER],
        "securityContext": RESTRICTED,
        "readinessProbe": {"tcpSocket": {"port": 8089}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
    }
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    metadata = {"name": "cm-acme-http-solver", "labels": {**labels, "acme.cert-manager.io/http01-solver": "true"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def kinds(
    provider: providers.Provider, kube_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """cert-manager's kinds; nothing of them stays."""
    if provider.name != "native":
        pytest.skip("It brings kinds to the cluster, and takes them away: unset KUBECONFIG, where no Docker runs")
    place = Release(kube_cluster, NAME, PORTS, tmp_path_factory.mktemp("kinds"))
    files = [f"--filename={path}" for path in custom_resources(CERT_MANAGER)]
    place.kubectl("apply", "--server-side", *files)
    place.kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)
    yield
    place.kubectl("delete", *files)


@pytest.fixture(scope="module")
def release(kinds: None, make_release: Callable[..., Release]) -> Iterator[Release]:
    """Installed where the stand-in has put its Secret."""
    pair = generate(HOST, datetime.now(UTC)).pair
    data = {"tls.crt": base64.b64encode(pair.certificate).decode(), "tls.key": base64.b64encode(pair.key).decode()}
    metadata = {"name": f"{NAME}-certificate"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": data}
    made = make_release(NAME, PORTS, SITE, before=yaml.safe_dump(secret))
    yield made
    made.delete()  # while the API still knows a Certificate


def asked(release: Release, kind: str) -> dict[str, Any]:
    (found,) = json.loads(release.kubectl("get", kind, "--output=json"))["items"]
    return dict(found)


def ask(release: Release, path: str) -> httpx.Response:
    return httpx.get(f"http://{release.node_address}:{PORTS.http}{path}", headers={"Host": HOST}, timeout=20)


def until_shown(release: Release, path: str) -> httpx.Response:
    """As soon as the node's network leads to the pod."""
    deadline = time.monotonic() + 30
    while (answer := ask(release, path)).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


def test_the_front_door_starts_and_leads_to_the_proof(release: Release) -> None:
    certificate, issuer = asked(release, "certificates.cert-manager.io"), asked(release, "issuers.cert-manager.io")
    assert certificate["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"]
    assert certificate["spec"]["secretName"] == f"{NAME}-certificate"  # as the stand-in was told
    path = f"/.well-known/acme-challenge/{TOKEN}"
    assert ask(release, path).status_code == 502  # nobody shows it yet

    (hub,) = release.pods("hub")
    release.apply(yaml.safe_dump(solver_of(issuer, hub.obj["spec"]["containers"][0]["image"])))
    release.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/cm-acme-http-solver")

    answer = until_shown(release, path)
    assert (answer.status_code, answer.text) == (200, KEY)
    assert ask(release, "/.well-known/acme-challenge/other").status_code == 404
    assert ask(release, "/hub/login").headers["Location"] == f"https://{HOST}/hub/login"
