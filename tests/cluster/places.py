"""Pods from inside of which connections are tried."""

import time
from dataclasses import dataclass

from .release import Release
from .standin import HARDENED, LITTLE

OPEN, CLOSED = "open", "closed"
DATABASE = 5432


@dataclass(frozen=True)
class Place:
    """A pod's container, and its Python, or nothing where it has none."""

    release: Release
    pod: str
    container: str
    python: str = ""
    namespace: str = ""  # another one than the release's

    def tries(self, host: str, port: int) -> str:
        """Whether a connection is made in three seconds."""
        if self.python:
            connect = f"import socket; socket.create_connection(({host!r}, {port}), 3)"
            attempt = f'{self.python} -c "{connect}"'
        else:
            attempt = f"timeout 3 bash -c ': < /dev/tcp/{host}/{port}'"
        script = f"{attempt} 2>/dev/null && echo {OPEN} || echo {CLOSED}"
        where = [f"--namespace={self.namespace or self.release.name}", f"--container={self.container}"]
        return self.release.kubectl("exec", self.pod, *where, "--", "sh", "-c", script).strip()

    def settles(self, target: tuple[str, int], way: str) -> str:
        """What a connection comes to, where the node's network learns of pods and policies a moment later."""
        deadline = time.monotonic() + 30
        while (found := self.tries(*target)) != way and time.monotonic() < deadline:
            time.sleep(0.5)
        return found


def stranger(name: str, image: str) -> dict[str, object]:
    container = {
        "name": "server",
        "image": image,
        "command": ["python", "-m", "http.server", "--directory", "/etc/ssl", str(DATABASE)],
        "securityContext": HARDENED,
        "readinessProbe": {"tcpSocket": {"port": DATABASE}, "periodSeconds": 1},
        "resources": LITTLE,
    }
    spec = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1, "containers": [container]}
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
