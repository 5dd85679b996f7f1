"""A service in another namespace uses the hub's API with its token and no more, and nobody else reaches the hub; it starts a named server."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pykube
import pytest
from pytest_helm_charts.k8s.namespace import ensure_namespace_exists

from .release import Ports, Release
from .standin import HARDENED, LITTLE

PORTS = Ports(http=32380, https=32383)
NAME, TOOLS = "jld-services", "jld-services-tools"
PAGES = 8000
SITE = {
    "global": {"hostname": "services.test", "port": PORTS.https},
    "hub": {
        "auth": {"dummy": {"users": ["ada", "mel"]}, "blocked": ["mel"]},
        "services": {
            "tool": {
                "url": f"http://tool.{TOOLS}",
                "scopes": ["list:users", "servers!user=ada"],
                "pods": [{"namespace": TOOLS, "labels": {"app": "tool"}}],
            }
        },
        "namedServers": {"limit": 1},
    },
    "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid4()}"}},
    "nginx": {
        "replicas": 1,
        "service": {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}},
        "tls": {"selfSigned": True},
    },
}
ASK = """
import os, sys, urllib.error, urllib.request
method, url, *body = sys.argv[1:]
headers = {"Authorization": "token " + os.environ.get("TOKEN", "none")}
request = urllib.request.Request(url, body[0].encode() if body else None, headers, method=method)
try:
    with urllib.request.urlopen(request, timeout=60 if body else 10) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
except OSError as closed:
    print("closed", closed)
"""


def pod(name: str, image: str, **environment: Any) -> dict[str, Any]:
    container = {
        "name": "tool",
        "image": image,
        "command": ["python", "-m", "http.server", "--directory", "/etc/ssl", str(PAGES)],
        "env": [{"name": key, **value} for key, value in environment.items()],
        "securityContext": HARDENED,
        "readinessProbe": {"tcpSocket": {"port": PAGES}, "periodSeconds": 1},
        "resources": LITTLE,
    }
    spec = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


Ask = Callable[..., tuple[str, Any]]


@pytest.fixture(scope="module")
def services(make_release: Callable[..., Release]) -> Release:
    return make_release(NAME, PORTS, SITE)


@pytest.fixture(scope="module")
def ask(services: Release, hub_image: str) -> Iterator[Ask]:
    """Ask the hub's API from a pod of the other namespace: the status, and the document."""
    release = services
    ensure_namespace_exists(release.client, TOOLS)
    # As docs/services-and-roles.md has it: the token goes from the hub's Secret into one of the service.
    token = release.kubectl("get", "secret", f"{NAME}-hub", r"--output=jsonpath={.data.service\.tool}")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tool"}, "data": {"token": token}}
    port = {"port": 80, "targetPort": PAGES}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "tool"}}
    service |= {"spec": {"selector": {"app": "tool"}, "ports": [port]}}
    reference = {"valueFrom": {"secretKeyRef": {"name": "tool", "key": "token"}}}
    for each in (secret, service, pod("tool", hub_image, TOKEN=reference), pod("other", hub_image, TOKEN=reference)):
        release.apply(json.dumps(each), TOOLS)
    release.kubectl(f"--namespace={TOOLS}", "wait", "--for=condition=Ready", "pod/tool", "pod/other", "--timeout=60s")

    def asked(by: str, method: str, path: str, *body: str) -> tuple[str, Any]:
        url = f"http://{NAME}-hub.{NAME}:8081/hub/api/{path}"
        words = ("exec", by, "--", "python", "-c", ASK, method, url, *body)
        status, _, text = release.kubectl(f"--namespace={TOOLS}", *words).strip().partition(" ")
        return status, json.loads(text) if text.startswith(("{", "[")) else text

    yield asked
    if namespace := pykube.Namespace.objects(release.client).get_or_none(name=TOOLS):
        namespace.delete()


def test_a_service_in_another_namespace_reads_the_user_list_and_does_no_more(ask: Ask) -> None:
    deadline = time.monotonic() + 30  # the node's network learns of a new pod a moment later
    while (answer := ask("tool", "GET", "users"))[0] == "closed" and time.monotonic() < deadline:
        time.sleep(0.5)
    status, people = answer
    assert (status, sorted(each["name"] for each in people)) == ("200", ["ada", "mel"])
    assert ask("tool", "DELETE", "users/mel")[0] in ("403", "404")
    assert ask("tool", "POST", "users/mel/server", "{}")[0] in ("403", "404")


def test_a_pod_that_no_service_names_does_not_reach_the_hub(ask: Ask) -> None:
    """Although it has the token."""
    assert ask("other", "GET", "users")[0] == "closed"


def test_a_named_server_runs_beside_the_usual_one_up_to_the_limit(ask: Ask) -> None:
    for path in ("users/ada/server", "users/ada/servers/second"):
        assert ask("tool", "POST", path, '{"profile": "tiny"}')[0] in ("201", "202")
    status, told = ask("tool", "POST", "users/ada/servers/third", '{"profile": "tiny"}')
    assert (status, "maximum of 1 named servers" in told["message"]) == ("400", True)
    deadline = time.monotonic() + 120
    ready: dict[str, bool] = {}
    while not (len(ready) == 2 and all(ready.values())):
        assert time.monotonic() < deadline, ready
        time.sleep(1)
        status, person = ask("tool", "GET", "users/ada")
        ready = {name: server["ready"] for name, server in person["servers"].items()}
    assert set(ready) == {"", "second"}


def test_the_front_door_leads_to_the_pages_of_the_service(ask: Ask, services: Release) -> None:
    """Past its own NetworkPolicy, at a port of the pod that is another than the Service's."""
    address = f"https://{services.node_address}:{PORTS.https}"
    with httpx.Client(base_url=address, headers={"Host": f"services.test:{PORTS.https}"}, verify=False) as client:  # noqa: S501
        answer = client.get("/services/tool/x")
    assert (answer.status_code, "Error code explanation: 404" in answer.text) == (404, True)  # Python's server has none
