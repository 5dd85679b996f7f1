"""The stand-in for Kubernetes as a program of a test, and its control."""

import json
import random
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_port

from .deployment import TESTS, Deployment
from .processes import Program, answers


class Kubernetes:
    """A cluster in which labs of a hub run, or do not."""

    def __init__(self, directory: Path, delay: float = 0.1, namespace: str = "jld") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.namespace = namespace
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        # A loopback address of its own: every lab listens at port 8888.
        address = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])  # noqa: S311
        program = [
            sys.executable,
            str(TESTS / "standins" / "kubernetes.py"),
            "--port",
            str(port),
            "--namespace",
            namespace,
        ]
        self.program = Program("kubernetes", [*program, "--lab-address", address, "--delay", str(delay)], {}, directory)

    def start(self) -> None:
        self.program.start()
        self.program.wait_until(lambda: answers(f"{self.url}/_control"))

    def stop(self) -> None:
        self.program.stop()

    def serve(self, deployment: Deployment) -> None:
        """Make a hub's labs run here."""
        path = deployment.directory / "kubeconfig"
        config = yaml.safe_load(path.read_text())
        config["clusters"][0]["cluster"]["server"] = self.url
        path.write_text(yaml.safe_dump(config))

    def order(self, **order: Any) -> None:
        self._control(json.dumps(order).encode())

    def told(self) -> dict[str, dict[str, int]]:
        """How often each object was asked for, made and deleted: `{"made": {"pods/jld-lab-ada": 1}}`."""
        return self._control(None)

    def pods(self) -> list[dict[str, Any]]:
        """Every pod that is there, as the API tells it."""
        return self.objects("pods")

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind, such as `secrets`."""
        with urllib.request.urlopen(f"{self.url}/api/v1/namespaces/{self.namespace}/{kind}", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["items"]
            return found

    def _control(self, body: bytes | None) -> dict[str, dict[str, int]]:
        with urllib.request.urlopen(f"{self.url}/_control", body, timeout=10) as answer:
            document: dict[str, dict[str, int]] = json.load(answer)
            return document
