"""The rendered nginx.conf, read as text and, where an nginx of 1.25 or newer exists, run in front of a stand-in for the hub."""

import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from rendering import Object, Question, Render, nginx_program, render

from tests import local_nginx
from tests.ports import free_port

HOSTNAME = "jld.localhost"  # of values/local.yaml
needs_nginx = pytest.mark.skipif(
    nginx_program() is None,
    reason="no nginx 1.25 or newer; `make test` unpacks the image's where mmdebstrap runs",
)


def configuration(values: Path, *changes: str) -> str:
    """All files that nginx reads, one after the other."""
    files = render(Question(values, changes)).one("ConfigMap", "jld-nginx")["data"]
    return "\n".join(text for name, text in sorted(files.items()) if name.endswith(".conf"))


def test_headers_are_added_in_one_place(site: Path) -> None:
    # A server or location that adds one header of its own drops all those from above.
    files = dict(render(Question(site)).one("ConfigMap", "jld-nginx")["data"])
    above, _, servers = files.pop("nginx.conf").partition("\n  server {")

    assert "add_header" in above
    assert [name for name, text in {**files, "servers": servers}.items() if "add_header" in text] == []


@pytest.mark.parametrize(
    ("port", "address"), [(443, HOSTNAME), (8443, f"{HOSTNAME}:8443"), (30443, f"{HOSTNAME}:30443")]
)
def test_http_leads_to_the_address_that_people_type(values: dict[str, Path], port: int, address: str) -> None:
    text = configuration(values["local"], f"global.port={port}")

    assert f"return 301 https://{address}$request_uri;" in text
    assert f'proxy_set_header X-Forwarded-Port "{port}";' in text


def service(values: Path) -> Object:
    return dict(render(Question(values)).one("Service", "jld-nginx"))


def test_node_ports_are_fixed_where_the_site_says_so(values: dict[str, Path]) -> None:
    assert service(values["local"])["spec"]["type"] == "NodePort"
    assert service(values["local"])["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080},
        {"name": "https", "port": 443, "targetPort": "https", "nodePort": 30443},
    ]


def test_a_load_balancer_is_asked_for_as_the_cloud_wants_it(values: dict[str, Path]) -> None:
    found = service(values["github"])

    assert found["spec"]["type"] == "LoadBalancer"
    assert found["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "https", "port": 443, "targetPort": "https"},
    ]
    assert found["metadata"]["annotations"] == {"external-dns.alpha.kubernetes.io/hostname": "jupyter.example.org"}


def test_the_hub_finds_replicas_that_are_not_ready_and_kubelet_waits_for_their_routes(values: dict[str, Path]) -> None:
    rendered = render(Question(values["local"]))
    found = rendered.one("Service", "jld-nginx-api")["spec"]
    (pod,) = [each for each in rendered.pods if each.component == "nginx"]
    (container,) = pod.containers

    assert (found["clusterIP"], found["publishNotReadyAddresses"]) == ("None", True)
    assert found["selector"].items() <= pod.labels.items()
    assert found["ports"] == [{"name": "api", "port": 8001, "targetPort": "api"}]
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    # A start, and a life, that waited for routes would be ended by kubelet while the hub is away.
    assert probes == {
        "startup": {"path": "/nginx-health", "port": "api"},
        "readiness": {"path": "/nginx-ready", "port": "api"},
        "liveness": {"path": "/nginx-health", "port": "api"},
    }


def test_a_copy_that_goes_has_time_for_what_is_open(values: dict[str, Path]) -> None:
    rendered = render(Question(values["minimal"], ('nginx.drainTimeout="300s"', 'nginx.drainDelay="120s"')))
    deployment = rendered.one("Deployment", "jld-nginx")["spec"]

    assert deployment["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] == 435
    (container,) = deployment["template"]["spec"]["containers"]
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "120"]
    assert "worker_shutdown_timeout 300s;" in configuration(values["minimal"], 'nginx.drainTimeout="300s"')


def test_no_tls_older_than_1_2_is_spoken(site: Path) -> None:
    assert re.findall(r"ssl_protocols (.*);", configuration(site)) == ["TLSv1.2 TLSv1.3"]


def test_whatever_listens_does_so_for_ipv4_and_ipv6(site: Path) -> None:
    files = render(Question(site)).one("ConfigMap", "jld-nginx")["data"]
    servers = [
        server
        for name in ("nginx.conf", "routes.conf")
        for server in re.split(r"^ *server \{", files[name], flags=re.MULTILINE)[1:]
    ]
    places = [re.findall(r"listen (.*);|include (/proc/.*);", server) for server in servers]

    assert len(places) >= 4
    for (ipv4, _), (_, ipv6) in places:
        # The first server of an address is its default.
        (file,) = [text for name, text in files.items() if name.startswith(Path(ipv6).name.removesuffix("*"))]
        assert file.strip() == f"listen [::]:{ipv4.replace(' default_server', '')};"
    for index, (ipv4, _) in enumerate(each[0] for each in places):
        is_first = ipv4.split()[0] not in [each[0][0].split()[0] for each in places[:index]]
        assert ("default_server" in ipv4) == (is_first and ipv4.split()[0] in ("8080", "8443"))


def test_sizes_and_times_are_the_sites(values: dict[str, Path]) -> None:
    text = configuration(values["local"], 'nginx.maxBodySize="100m"', 'nginx.idleTimeout="3h"')

    assert "client_max_body_size 100m;" in text
    assert "proxy_read_timeout 3h;" in text
    assert "proxy_send_timeout 3h;" in text
    assert "proxy_connect_timeout 5s;" in text


# ---------------------------------------------------------------------------------------------------------------------------------


def certificate_into(
    folder: Path, hostname: str = HOSTNAME, key: CertificateIssuerPrivateKeyTypes | None = None
) -> Path:
    """A fresh certificate and key, as the Secret holds them."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    folder.mkdir(exist_ok=True)
    (folder / "tls.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "tls.key").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return folder / "tls.crt"


class HubStandIn(BaseHTTPRequestHandler):
    """Answers with what it was asked: `/status/503` with that status, an upgrade with 101 and an echo."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.send_header("Connection", "upgrade")
            self.end_headers()
            self.wfile.write(self.rfile.readline())
            self.close_connection = True
            return
        found = re.search(r"/status/(\d+)", self.path)
        # As JupyterHub does: health is an empty page, the API names its version.
        answers = {"/hub/health": b"", "/hub/api": b'{"version": "6.1.1"}'}
        asked = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        body = answers.get(self.path, json.dumps(asked).encode())
        self.send_response(int(found[1]) if found else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    def heard(self) -> dict[str, str]:
        """The headers that reached the stand-in."""
        return dict(json.loads(self.body)["headers"])


@dataclass
class FrontDoor:
    """A running nginx."""

    ports: local_nginx.Ports
    tls: Path
    log: Path
    hub: ThreadingHTTPServer = field(repr=False)

    def trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.tls / "tls.crt")
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    def socket(self, context: ssl.SSLContext | None = None, name: str = HOSTNAME, first: bytes = b"") -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.ports.https), timeout=10)
        plain.sendall(first)
        return (context or self.trust()).wrap_socket(plain, server_hostname=name)

    def ask(self, path: str, headers: dict[str, str] | None = None, method: str = "GET", body: bytes = b"") -> Answer:
        connection = HTTPSConnection(HOSTNAME, timeout=10)
        connection.sock = self.socket()
        connection.request(method, path, body=body or None, headers={"Host": f"{HOSTNAME}:8443", **(headers or {})})
        return _answer(connection)

    def tell(self, path: str, port: int) -> None:
        """What the hub does: a route to a port of this machine."""
        connection = HTTPConnection("127.0.0.1", self.ports.api, timeout=10)
        body = json.dumps({"target": f"http://127.0.0.1:{port}"})
        headers = {"Authorization": f"token {local_nginx.TOKEN}"}
        connection.request("POST", f"/api/routes{path}", body=body, headers=headers)
        assert _answer(connection).status == 201

    def forget(self, path: str) -> None:
        """What the hub does when a lab has stopped. Without the route `/` the table is not filled."""
        connection = HTTPConnection("127.0.0.1", self.ports.api, timeout=10)
        connection.request("DELETE", f"/api/routes{path}", headers={"Authorization": f"token {local_nginx.TOKEN}"})
        assert _answer(connection).status == 204

    def send(self, request: str, port: int = 0, *, address: str = "127.0.0.1") -> Answer:
        """A request byte by byte: to a port that is asked without TLS, or over TLS."""
        stream = socket.create_connection((address, port), timeout=10) if port else self.socket()
        with stream:
            stream.sendall(request.encode())
            response = HTTPResponse(stream)
            response.begin()
            return Answer(response.status, response.headers, response.read())

    def ask_plain(self, path: str, host: str, headers: dict[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.ports.http, timeout=10)
        connection.request("GET", path, headers={"Host": host, **(headers or {})})
        return _answer(connection)


def _answer(connection: HTTPConnection) -> Answer:
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


@pytest.fixture
def door(values: dict[str, Path], tmp_path: Path) -> Iterator[FrontDoor]:
    with opened(render(Question(values["local"])), tmp_path) as found:
        yield found


@contextmanager
def opened(
    rendered: Render,
    tmp_path: Path,
    stand_in: type[HubStandIn] = HubStandIn,
    key: CertificateIssuerPrivateKeyTypes | None = None,
) -> Iterator[FrontDoor]:
    """An nginx that runs with the rendered configuration, in front of a stand-in for the hub and for a lab."""
    program = nginx_program()
    assert program is not None
    hub = ThreadingHTTPServer(("127.0.0.1", 0), stand_in)
    threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
    ports = local_nginx.Ports(free_port(), free_port(), free_port(), metrics=free_port())
    found = FrontDoor(ports, tmp_path / "tls", tmp_path / "log", hub)
    certificate_into(found.tls, key=key)
    config, lua = (rendered.one("ConfigMap", name)["data"] for name in ("jld-nginx", "jld-nginx-lua"))
    file = local_nginx.write(config, lua, tmp_path, ports)
    checked = subprocess.run([program, "-e", "stderr", "-t", "-c", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    process = subprocess.Popen([program, "-e", "stderr", "-c", file], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                found.tell("/", hub.server_port)
                found.tell("/user/alice", hub.server_port)
                break
            except ConnectionError:
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(10)
        hub.shutdown()
        hub.server_close()


@needs_nginx
def test_what_the_hub_hears_is_what_nginx_saw(door: FrontDoor) -> None:
    forged = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "http",
        "X-Scheme": "http",
        "X-Real-IP": "1.2.3.4",
        "Forwarded": "for=1.2.3.4",
    }

    heard = door.ask("/hub/home", forged).heard()

    assert "1.2.3.4" not in str(heard)
    assert "forwarded" not in heard
    assert heard["host"] == f"{HOSTNAME}:8443"
    assert heard["x-forwarded-host"] == f"{HOSTNAME}:8443"
    assert heard["x-forwarded-port"] == "8443"
    assert heard["x-forwarded-proto"] == heard["x-scheme"] == "https"
    assert heard["x-forwarded-for"] == heard["x-real-ip"] == "127.0.0.1"


@needs_nginx
@pytest.mark.parametrize(
    "path", ["/hub/home", "/user/alice/lab", "/hub/status/404", "/hub/status/503", "/user/alice/status/500"]
)
def test_every_answer_carries_the_headers_once(door: FrontDoor, path: str) -> None:
    headers = door.ask(path).headers

    assert headers.get_all("Strict-Transport-Security") == ["max-age=63072000"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert headers.get_all("Server") == ["nginx"]


@needs_nginx
@pytest.mark.parametrize("path", ["/hub/status/502", "/hub/status/503", "/user/alice/proxy/8050/status/503"])
def test_hub_and_labs_answer_for_themselves(door: FrontDoor, path: str) -> None:
    """A hub that cannot ask GitHub says so; its sentence is better than ours."""
    answer = door.ask(path)

    assert str(answer.status) == path[-3:]
    assert json.loads(answer.body)["path"] == path


@needs_nginx
def test_without_a_hub_people_are_asked_for_patience(door: FrontDoor) -> None:
    door.hub.shutdown()
    door.hub.server_close()

    for path, method in (("/hub/home", "GET"), ("/user/alice/api/contents", "POST")):
        answer = door.ask(path, method=method)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"] == "text/html"
        assert answer.headers["Strict-Transport-Security"]
        assert b'http-equiv="refresh"' in answer.body


@needs_nginx
@pytest.mark.parametrize("path", ["/user/alice/api/kernels/1/channels", "/hub/anything", "/services/x/socket"])
def test_any_path_may_become_a_web_socket(door: FrontDoor, path: str) -> None:
    with door.socket() as stream:
        request = f"GET {path} HTTP/1.1\r\nHost: {HOSTNAME}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n"
        stream.sendall(request.encode())
        received = b""
        while not received.endswith(b"hello\n"):
            more = stream.recv(4096)
            assert more, received
            received += more

    assert received.startswith(b"HTTP/1.1 101 ")


@needs_nginx
def test_http_is_sent_to_https_whatever_host_was_asked_for(door: FrontDoor) -> None:
    for host in (HOSTNAME, "evil.example.org"):
        answer = door.ask_plain("/hub/login?next=%2Fhub", host)
        assert answer.status == 301
        assert answer.headers["Location"] == f"https://{HOSTNAME}:8443/hub/login?next=%2Fhub"


@needs_nginx
def test_another_name_is_told_the_right_one(door: FrontDoor) -> None:
    answer = door.ask("/hub/home", {"Host": "other.example.org"})

    assert answer.status == 421
    assert f"https://{HOSTNAME}:8443/".encode() in answer.body


@needs_nginx
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_tls_is_spoken_with_http2(door: FrontDoor, version: ssl.TLSVersion) -> None:
    context = door.trust()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])

    with door.socket(context) as stream:
        assert stream.version() == version.name.replace("_", ".")
        assert stream.selected_alpn_protocol() == "h2"


@needs_nginx
def test_the_log_is_json_without_query_strings(door: FrontDoor) -> None:
    door.ask(
        "/hub/oauth_callback?code=very-secret&state=x",
        {"User-Agent": 'a "quoted" browser', "Referer": "https://x/?token=very-secret"},
    )

    deadline = time.monotonic() + 10  # nginx writes the line after the answer
    while not door.log.read_text().endswith("\n"):
        assert time.monotonic() < deadline, "nothing was logged"
        time.sleep(0.02)
    (line,) = [json.loads(text) for text in door.log.read_text().splitlines()]
    assert line["path"] == "/hub/oauth_callback"
    assert (line["method"], line["status"], line["upstreamStatus"]) == ("GET", "200", "200")
    assert "very-secret" not in door.log.read_text()


# ---------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secured_hub(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The stand-in behind TLS: its address, and its certificate."""
    certificate = certificate_into(tmp_path / "own")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    hub = ThreadingHTTPServer(("127.0.0.1", 0), HubStandIn)
    hub.socket = context.wrap_socket(hub.socket, server_side=True)
    threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{hub.server_port}", certificate
    hub.shutdown()
    hub.server_close()


def run_check(values: Path, service: str, hostname: str, certificate: Path) -> subprocess.CompletedProcess[str]:
    """What `helm test` runs, with other arguments."""
    (pod,) = render(Question(values)).of_kind("Pod")
    container = pod["spec"]["containers"][0]
    assert container["command"] == ["python3", "-c"]
    assert container["args"][1:] == ["jld-nginx", HOSTNAME, "/etc/jld/tls/tls.crt", "/", ""]
    command = [sys.executable, "-c", container["args"][0], service, hostname, str(certificate), "/", ""]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_helm_test_passes_when_the_hub_answers(values: dict[str, Path], secured_hub: tuple[str, Path]) -> None:
    done = run_check(values["local"], secured_hub[0], HOSTNAME, secured_hub[1])

    assert done.returncode == 0, done.stderr
    assert "JupyterHub 6.1.1" in done.stdout


def test_helm_test_refuses_another_certificate_and_another_name(
    values: dict[str, Path], secured_hub: tuple[str, Path], tmp_path: Path
) -> None:
    service, certificate = secured_hub
    for hostname, trusted in (
        (HOSTNAME, certificate_into(tmp_path / "other")),
        ("other.localhost", certificate),
    ):
        done = run_check(values["local"], service, hostname, trusted)
        assert done.returncode == 1
        assert "certificate verify failed" in done.stderr
        assert "Traceback" not in done.stderr


def test_helm_test_fails_when_nobody_answers(values: dict[str, Path], tmp_path: Path) -> None:
    done = run_check(values["local"], f"127.0.0.1:{free_port()}", HOSTNAME, certificate_into(tmp_path / "own"))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
