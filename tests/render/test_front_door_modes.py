"""`nginx.mode`: the front door with its own Service, behind an Ingress, behind a Gateway."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from manifests import complaints
from rendering import KUBERNETES, Question, Render, render, write_values
from test_front_door import HOSTNAME, needs_nginx, opened

WITHIN = (
    'nginx.service={"type": "ClusterIP", "nodePorts": {"http": null, "https": null}}',
)  # what local.yaml has outside
BEHIND = {
    "ingress": (
        *WITHIN,
        'nginx.mode="ingress"',
        'nginx.trustedProxies=["127.0.0.0/8"]',
        'nginx.ingress.className="traefik"',
    ),
    "gateway": (
        *WITHIN,
        'nginx.mode="gateway"',
        'nginx.trustedProxies=["127.0.0.0/8"]',
        'nginx.tls={"selfSigned": false}',
        "nginx.secret={}",
        'nginx.gateway={"name": "public", "namespace": "gateways", "sectionName": "https"}',
    ),
}
# The Service's own load balancer has the certificate.
OFFLOAD = (
    'nginx.tls={"selfSigned": false, "offload": true}',
    "nginx.secret={}",
    'nginx.trustedProxies=["127.0.0.0/8"]',
)


def behind(values: Path, mode: str, *changes: str) -> Render:
    return render(Question(values, (*BEHIND[mode], *changes)))


def test_an_ingress_has_the_certificate_and_leads_to_nginx(values: dict[str, Path]) -> None:
    rendered = behind(values["local"], "ingress", 'nginx.ingress.annotations={"cert-manager.io/issuer": "ours"}')
    ingress = rendered.one("Ingress", "jld-nginx")

    assert complaints([ingress], KUBERNETES[-1]) == []
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/issuer": "ours"}
    assert ingress["spec"] == {
        "ingressClassName": "traefik",
        "tls": [{"hosts": [HOSTNAME], "secretName": "jld-nginx"}],
        "rules": [
            {
                "host": HOSTNAME,
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "jld-nginx", "port": {"name": "http"}}},
                        }
                    ]
                },
            }
        ],
    }
    assert set(rendered.one("Secret", "jld-nginx")["data"]) == {"tls.crt", "tls.key", "ca.crt"}


def test_a_route_joins_the_gateway_and_leads_to_nginx(values: dict[str, Path]) -> None:
    rendered = behind(values["local"], "gateway")

    assert rendered.one("HTTPRoute", "jld-nginx")["spec"] == {
        "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}],
        "hostnames": [HOSTNAME],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "timeouts": {"request": "0s"},
                "backendRefs": [{"name": "jld-nginx", "port": 80}],
            }
        ],
    }
    assert [each["metadata"]["name"] for each in rendered.of_kind("Secret")] == ["jld-hub"]


@pytest.mark.parametrize("mode", BEHIND)
def test_whoever_is_in_front_speaks_tls_and_nginx_does_not(values: dict[str, Path], mode: str) -> None:
    rendered = behind(values["local"], mode)
    service = rendered.one("Service", "jld-nginx")["spec"]
    (pod,) = [each for each in rendered.pods if each.component == "nginx"]

    assert (service["type"], [port["name"] for port in service["ports"]]) == ("ClusterIP", ["http"])
    assert "ssl_certificate" not in rendered.text
    assert "containerPort: 8443" not in rendered.text
    assert "tls" not in [volume["name"] for volume in pod.spec["volumes"]]
    assert {"ports": [{"port": "http"}]} in rendered.one("NetworkPolicy", "jld-nginx")["spec"]["ingress"]


def test_by_itself_it_makes_no_ingress_and_no_route(site: Path) -> None:
    rendered = render(Question(site))
    assert rendered.of_kind("Ingress") + rendered.of_kind("HTTPRoute") == []


@needs_nginx
@pytest.mark.parametrize("mode", BEHIND)
def test_people_who_came_by_tls_are_let_in_and_others_are_sent_to_it(
    values: dict[str, Path], tmp_path: Path, mode: str
) -> None:
    with opened(behind(values["local"], mode), tmp_path) as door:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        answer = door.ask_plain("/user/alice/lab", HOSTNAME, forwarded)
        heard = json.loads(answer.body)["headers"]
        assert (answer.status, heard["x-forwarded-for"], heard["x-forwarded-proto"]) == (200, "192.0.2.7", "https")
        sent = door.ask_plain("/hub/login?next=x", HOSTNAME, {"X-Forwarded-Proto": "http"})
        assert (sent.status, sent.headers["Location"]) == (301, f"https://{HOSTNAME}:8443/hub/login?next=x")
        assert door.ask_plain("/hub/home", "other.example.org").status == 421


def test_a_load_balancer_that_has_the_certificate_keeps_both_ports_and_nginx_has_none(values: dict[str, Path]) -> None:
    own, offloaded = (render(Question(values["local"], changes)) for changes in ((), OFFLOAD))
    (pod,) = [each for each in offloaded.pods if each.component == "nginx"]

    assert offloaded.one("Service", "jld-nginx")["spec"] == own.one("Service", "jld-nginx")["spec"]
    assert offloaded.one("NetworkPolicy", "jld-nginx")["spec"] == own.one("NetworkPolicy", "jld-nginx")["spec"]
    assert {"name": "https", "containerPort": 8443} in pod.spec["containers"][0]["ports"]
    assert "ssl_certificate" not in offloaded.text
    assert [each["metadata"]["name"] for each in offloaded.of_kind("Secret")] == ["jld-hub"]
    assert "tls" not in [volume["name"] for each in offloaded.pods for volume in each.spec["volumes"]]


@needs_nginx
def test_who_came_to_such_a_load_balancer_by_tls_is_let_in_and_others_are_sent_to_it(
    values: dict[str, Path], tmp_path: Path
) -> None:
    host = f"Host: {HOSTNAME}:8443\r\n"
    asked = f"GET /hub/login?next=x HTTP/1.1\r\n{host}"
    with opened(render(Question(values["local"], OFFLOAD)), tmp_path) as door:
        ports = {"http": door.ports.http, "https": door.ports.https}
        found = {
            (port, scheme): door.send(
                f"{asked}{f'X-Forwarded-Proto: {scheme}' if scheme else 'X-Y: z'}\r\n\r\n", number
            )
            for port, number in ports.items()
            for scheme in ("", "http", "https")
        }
        heard = found["https", ""].heard()
    assert {key: answer.status for key, answer in found.items()} == {
        ("http", ""): 301,  # a load balancer that says nothing got it by plain http
        ("http", "http"): 301,
        ("http", "https"): 200,
        ("https", ""): 200,
        ("https", "http"): 301,
        ("https", "https"): 200,
    }
    assert found["http", ""].headers["Location"] == f"https://{HOSTNAME}:8443/hub/login?next=x"
    assert (heard["x-forwarded-proto"], heard["host"]) == ("https", f"{HOSTNAME}:8443")


def check(rendered: Render, service: str, certificate: str) -> subprocess.CompletedProcess[str]:
    """What `helm test` runs, at other addresses."""
    (pod,) = rendered.of_kind("Pod")
    program, _, hostname, _, route, first_line = pod["spec"]["containers"][0]["args"]
    command: Sequence[str] = [sys.executable, "-c", program, service, hostname, certificate, route, first_line]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_nginx
@pytest.mark.parametrize("mode", BEHIND)
def test_helm_test_asks_without_tls_where_nginx_speaks_none(values: dict[str, Path], tmp_path: Path, mode: str) -> None:
    rendered = behind(values["local"], mode)
    (pod,) = rendered.of_kind("Pod")
    assert pod["spec"]["containers"][0]["args"][3] == ""
    with opened(rendered, tmp_path) as door:
        done = check(rendered, f"127.0.0.1:{door.ports.http}", "")
    assert (done.returncode, done.stderr) == (0, "")


@needs_nginx
def test_helm_test_asks_as_a_load_balancer_with_the_certificate_does(values: dict[str, Path], tmp_path: Path) -> None:
    rendered = render(Question(values["local"], OFFLOAD))
    (pod,) = rendered.of_kind("Pod")
    assert (pod["spec"]["containers"][0]["args"][1], pod["spec"]["containers"][0]["args"][3]) == ("jld-nginx:443", "")
    with opened(rendered, tmp_path) as door:
        done = check(rendered, f"127.0.0.1:{door.ports.https}", "")
    assert (done.returncode, done.stderr) == (0, "")


@needs_nginx
def test_helm_test_gets_in_where_the_proxy_protocol_is_spoken(values: dict[str, Path], tmp_path: Path) -> None:
    changes = ("nginx.proxyProtocol=true", 'nginx.trustedProxies=["127.0.0.0/8"]')
    rendered = render(Question(values["local"], changes))
    with opened(rendered, tmp_path) as door:
        done = check(rendered, f"127.0.0.1:{door.ports.https}", str(door.tls / "tls.crt"))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_site_behind_a_gateway_needs_no_certificate(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "global: {hostname: jupyter.example.org}\n"
        "hub: {auth: {dummy: {users: [alice]}}}\n"
        "nginx: {mode: gateway, gateway: {name: public}, trustedProxies: [10.0.0.0/8]}\n"
        "storage: {mode: hostPath}\n"
    )
    rendered = render(Question(write_values(site, tmp_path / "values.yaml")))
    assert rendered.one("HTTPRoute", "jld-nginx")["spec"]["parentRefs"] == [{"name": "public"}]


@pytest.mark.parametrize("page", ["<p>one", "\n  <p>two\n", "<p>\u00e9\U0001f52d", "<a href='{{ x }}'>: # |"])
def test_a_landing_page_arrives_as_it_was_written(values: dict[str, Path], page: str) -> None:
    change = f"nginx.landingPage={json.dumps(page)}"
    rendered = render(Question(values["local"], ('global.hubRoute="/nb/"', change)))

    assert rendered.one("ConfigMap", "jld-nginx")["data"]["landing.html"] == page
