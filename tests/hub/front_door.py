"""The front door on this machine: the image's nginx with the configuration that the chart renders, at loopback addresses.

People reach it without TLS too, and by any name; all else is as in the pod.
"""

import os
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from jld.secrets.self_signed import SelfSigned, generate
from jlddev.tools.nginx import PROGRAM

from tests.local_nginx import TOKEN, Ports, write
from tests.ports import free_port
from tests.render.rendering import CHECKOUT, Question, Render, render, write_values

from .processes import Program, answers

__all__ = ["TOKEN", "FrontDoor", "needs_nginx"]
needs_nginx = pytest.mark.skipif(
    not PROGRAM.exists(), reason="the image's nginx is not unpacked; `make test` does it where mmdebstrap runs"
)


@cache
def rendered(*changes: str) -> Render:
    """The chart for the address that the hubs of this level have."""
    with tempfile.TemporaryDirectory() as folder:
        values = write_values(CHECKOUT / "values" / "local.yaml", Path(folder) / "values.yaml")
        return render(Question(values, ('global.hostname="jupyter.example.org"', "global.port=443", *changes)))


@cache
def self_signed() -> SelfSigned:
    return generate("jupyter.example.org", datetime.now(UTC))


def certificate_for(hostname: str, folder: Path) -> Path:
    """The folder, with a certificate of its own in it: tls.crt and tls.key, and the authority that signed it, ca.crt."""
    made = generate(hostname, datetime.now(UTC))
    for name, text in {"tls.crt": made.pair.certificate, "tls.key": made.pair.key, "ca.crt": made.authority}.items():
        (folder / name).write_bytes(text)
    return folder


class FrontDoor(Program):
    """One nginx. Several have one API port and different loopback addresses, as several pods have."""

    def __init__(
        self,
        directory: Path,
        port: int,
        api_port: int,
        address: str = "127.0.0.1",
        host_routing: bool = False,
        changes: tuple[str, ...] = (),
    ) -> None:
        self.folder = directory / f"nginx-{address}-{port}"
        self.folder.mkdir(parents=True)
        self.url = f"http://{address}:{port}"
        self.api_url = f"http://{address}:{api_port}"
        self.api = f"{address}:{api_port}"
        config, lua = (rendered(*changes).one("ConfigMap", name)["data"] for name in ("jld-nginx", "jld-nginx-lua"))
        if host_routing:
            old = ("reserved =", "error_path =")
            routes = config["routes.conf"]
            assert all(each in routes for each in old)
            for each in old:
                routes = routes.replace(each, f"host_routing = true, {each}")
            config = {**config, "routes.conf": routes}
        self.http_port, self.https_port, self.metrics_port = free_port(), free_port(), free_port()
        ports = Ports(self.http_port, self.https_port, api_port, people=port, metrics=self.metrics_port)
        file = write(config, lua, self.folder, ports, address)
        (self.folder / "tls").mkdir()
        for name, text in {"tls.crt": self_signed().pair.certificate, "tls.key": self_signed().pair.key}.items():
            (self.folder / "tls" / name).write_bytes(text)
        self.token_file = self.folder / "front-door" / "proxyToken"
        # As the pod does, with what cleans the log of errors beside it.
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "nginx").symlink_to(PROGRAM)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        super().__init__("nginx", ["sh", str(file.with_name("start.sh"))], {"PATH": path, "WORKERS": "2"}, self.folder)

    def change(self, name: str, old: str, new: str) -> None:
        """Write one of its files anew before it starts: `nginx/…` or `lua/…`."""
        file = self.folder / name
        text = file.read_text()
        assert old in text, f"{name} has no {old}"
        file.write_text(text.replace(old, new))

    def start(self) -> None:
        super().start()
        self.wait_until(lambda: answers(f"{self.api_url}/nginx-health"))
