"""A hub whose labs run on the stand-in for Kubernetes, and a program that drives it through the REST API."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from .deployment import Deployment
from .front_door import FrontDoor
from .kubernetes import Kubernetes

TOKEN = "5c" * 32
HEADERS = {"Host": "jupyter.example.org", "X-Forwarded-Proto": "https", "Authorization": f"token {TOKEN}"}

# A program of the site's own that starts labs for people, as an operator's file allows it.
PROGRAM = f"""
c.JupyterHub.services.append({{"name": "starter", "api_token": "{TOKEN}"}})
c.JupyterHub.load_roles.append({{"name": "starter", "services": ["starter"],
    "scopes": ["admin:users", "admin:servers", "tokens", "shares", "admin:groups", "access:servers"]}})
"""


class LabHub:
    """Started with `start()`; every part is stopped with `stop()`."""

    def __init__(
        self,
        directory: Path,
        people: Sequence[str],
        config: str = "",
        lab: dict[str, Any] | None = None,
        auth: dict[str, Any] | None = None,
        doors: Sequence[FrontDoor] = (),
    ) -> None:
        self.kubernetes = Kubernetes(directory / "kubernetes")
        trial = {"admins": list(people[:1]), "dummy": {"users": list(people)}}
        self.deployment = Deployment(directory / "hub", auth or trial, doors)
        self.kubernetes.serve(self.deployment)
        self.deployment.operator_config.write_text(PROGRAM + config)
        self.change_settings(lambda document: document["hub"]["lab"].update(lab or {}))

    def change_settings(self, change: Callable[[Any], object]) -> None:
        document = yaml.safe_load((self.deployment.directory / "settings.yaml").read_text())
        change(document)
        self.deployment.write_settings(document)

    def start(self) -> None:
        self.kubernetes.start()
        self.deployment.start()
        self.deployment.wait()

    def stop(self) -> None:
        self.deployment.stop()
        self.kubernetes.stop()

    @property
    def log(self) -> str:
        return self.deployment.hub.log()


class Program:
    """A client of the hub's REST API with a token."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        headers = HEADERS | {"Authorization": f"token {token}"}
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(f"{url}/hub/api/", headers=headers, connector=connector)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, it: object, trace: TracebackType | None) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        """Status and document of an answer; text where it is no JSON."""
        async with self._session.request(method, path, json=document, timeout=aiohttp.ClientTimeout(300)) as answer:
            text = await answer.text()
            try:
                return answer.status, yaml.safe_load(text) if text else None
            except yaml.YAMLError:
                return answer.status, text

    async def start_lab(self, name: str, size: str = "tiny") -> int:
        status, _ = await self.ask("POST", f"users/{name}/server", {"profile": size})
        return status

    async def until_ready(self, name: str, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not (await self.server(name)).get("ready"):
                await asyncio.sleep(0.2)

    async def server(self, name: str, server: str = "") -> dict[str, Any]:
        status, person = await self.ask("GET", f"users/{name}")
        assert status == 200, person
        found: dict[str, Any] = person["servers"].get(server) or {}
        return found
