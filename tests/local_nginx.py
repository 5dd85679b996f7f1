"""The chart's configuration of nginx, as helm rendered it, written so that it runs beside others on this machine."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TOKEN = "12" * 32
_LISTEN = re.compile(r"listen (\[::\]:)?(8080|8443|8001|9113)( ssl)?( default_server)?([^;]*);\n")


@dataclass(frozen=True)
class Ports:
    """Where it listens instead. With `people` the site itself is there without TLS too."""

    http: int
    https: int
    api: int
    people: int = 0
    metrics: int = 0


def write(config: Mapping[str, str], lua: Mapping[str, str], folder: Path, ports: Ports, address: str = "") -> Path:
    """Write the two ConfigMaps and a token below `folder`; returns the file to start nginx with.

    With an address only that one is listened at, so that several have the same ports. The certificate is the caller's, in `folder/tls`.
    """
    for name in ("nginx", "lua", "front-door"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "front-door" / "proxyToken").write_text(TOKEN)
    for name, text in lua.items():
        (folder / "lua" / name).write_text(text)
    for name, text in config.items():
        moved = name.endswith((".conf", ".sh"))
        (folder / "nginx" / name).write_text(_moved(text, folder, ports, address) if moved else text)
    file = folder / "nginx" / "nginx.conf"
    # Started by root, nginx would hand its work to a user who may not read this test's files; in the pod there is one user only.
    user = "user root;\n" if os.geteuid() == 0 else ""
    file.write_text(user + file.read_text())
    return file


def _moved(text: str, folder: Path, ports: Ports, address: str) -> str:
    for old, new in {
        "/tmp/": f"{folder}/",
        "/etc/jld/": f"{folder}/",
        "/dev/stdout": str(folder / "log"),
    }.items():
        text = text.replace(old, new)

    def listen(found: re.Match[str]) -> str:
        ipv6, port, ssl, default, rest = (part or "" for part in found.groups())
        place = {"8080": ports.http, "8443": ports.https, "8001": ports.api, "9113": ports.metrics}[port]
        if ipv6 and address:
            return "\n"
        host = f"{address}:" if address else ipv6
        plain = f"listen {host}{ports.people}{rest};\n" if ports.people and port == "8443" and not default else ""
        return f"{plain}listen {host}{place}{ssl}{default}{rest};\n"

    return _LISTEN.sub(listen, text)
