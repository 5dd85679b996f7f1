"""What the chart gives to a hub pod, written to a folder: settings, secrets, configuration; and the programs around it."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml
from jldhub.settings.names import ImageNames

from tests.ports import free_port

from .front_door import FrontDoor
from .processes import Program, answers

TESTS = Path(__file__).parents[1]
EXTENSIONS = TESTS.parent / "hub-extensions"
PASSWORD = "correct horse battery staple"
SITE = "https://jupyter.example.org"

# An operator's own file: here it makes the hub ask who somebody is again after a second and not after half an hour, and give up sooner.
OPERATOR_CONFIG = """
c.Authenticator.auth_refresh_age = 1
c.OAuthenticator.http_request_kwargs = {"connect_timeout": 5, "request_timeout": 5}
for section in ("GitHubOAuthenticator", "CILogonOAuthenticator", "GenericOAuthenticator"):
    c[section].http_request_kwargs = c.OAuthenticator.http_request_kwargs
"""

# KubeSpawner wants a configuration to be constructed; nothing of this level starts a lab.
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "nowhere", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "nobody", "user": {}}],
    "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}],
    "current-context": "nowhere",
}


def of_prepuller(document: dict[str, Any]) -> dict[str, Any]:
    """What the chart hands to the prepuller of the hub's settings."""
    known = {field.alias for field in ImageNames.model_fields.values()}
    return {
        "hub": {"lab": document["hub"]["lab"]},
        "names": {name: value for name, value in document["names"].items() if name in known},
    }


def settings(auth: dict[str, Any], hub_port: int, front_door: list[str], secrets: Path) -> dict[str, Any]:
    """As the chart renders them."""
    return {
        "global": {"hostname": "jupyter.example.org", "port": 443},
        "hub": {
            "auth": auth,
            "db": {"external": True},
            "lab": {
                "sizes": {
                    "tiny": {"cpu": 0.5, "memory": "1Gi"},
                    "small": {"cpu": 1, "memory": "2Gi"},
                    "medium": {"cpu": 2, "memory": "4Gi"},
                    "large": {"cpu": 4, "memory": "8Gi"},
                },
                "defaultSize": "small",
                "sizeRange": 4,
                "startTimeout": "5m",
            },
            "culling": {"idleTimeout": "12h", "maxAge": "0s"},
        },
        "names": {
            "namespace": "jld",
            "hubUrl": f"http://127.0.0.1:{hub_port}",
            "frontDoor": front_door,
            "labPod": "jld-lab",
            "labServiceAccount": "jld-lab",
            "labLabels": {"app.kubernetes.io/name": "jld", "app.kubernetes.io/component": "lab"},
            "labImage": "localhost/jld/lab:0.1.0",
            "hubImage": "localhost/jld/hub:0.1.0",
            "imagePullSecrets": [],
            "volumes": {"home": {"claim": "jld-home", "mountPath": "/home", "readOnly": False}},
        },
        "secretDirectory": str(secrets),
    }


class Deployment:
    """One hub, and one nginx or several. `url` is where people come in, but for TLS."""

    def __init__(
        self, directory: Path, auth: dict[str, Any], doors: Sequence[FrontDoor] = (), hub_route: str = "/"
    ) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.hub_port = free_port()
        self.doors = list(doors) or [FrontDoor(directory, free_port(), free_port())]
        self.url = self.doors[0].url
        self.secrets = directory / "secret"
        self._write_secrets()
        self.hub_route = hub_route
        document = settings(auth, self.hub_port, [door.api for door in self.doors], self.secrets)
        document["global"]["hubRoute"] = hub_route
        self.write_settings(document)
        (directory / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG))
        config = directory / "config"
        shutil.copytree(EXTENSIONS / "jupyterhub_config.d", config / "jupyterhub_config.d")
        shutil.copy(EXTENSIONS / "jupyterhub_config.py", config)
        self.operator_config = config / "jupyterhub_config.d" / "90-operator.py"
        self.operator_config.write_text(OPERATOR_CONFIG)
        self.hub = Program(
            "hub",
            [sys.executable, "-m", "jupyterhub", "--config", str(config / "jupyterhub_config.py")],
            {
                "PYTHONPATH": str(EXTENSIONS),
                "JLD_SETTINGS": str(directory / "settings.yaml"),
                "KUBECONFIG": str(directory / "kubeconfig"),
            },
            directory,
        )

    def people(self) -> dict[str, int]:
        """Names and user numbers that the hub has written down."""
        with closing(sqlite3.connect(f"file:{self.directory}/jupyterhub.sqlite?mode=rw", uri=True)) as database:
            try:
                return dict(database.execute("select name, uid from jld_people"))
            except sqlite3.OperationalError:  # before the first start
                return {}

    @property
    def hub_url(self) -> str:
        return f"http://127.0.0.1:{self.hub_port}"

    def write_settings(self, document: object) -> None:
        (self.directory / "settings.yaml").write_text(yaml.safe_dump(document))

    def start(self) -> None:
        for door in self.doors:
            door.start()
        self.hub.start()

    def wait(self) -> None:
        self.hub.wait_until(lambda: answers(f"{self.url}{self.hub_route}hub/health"))

    def restart_hub(self) -> None:
        self.hub.stop()
        self.hub.start()
        self.wait()

    def stop(self) -> None:
        self.hub.stop()
        for door in self.doors:
            door.stop()

    def _write_secrets(self) -> None:
        self.secrets.mkdir()
        people = json.loads((TESTS / "standins" / "people.json").read_text())
        for key, value in {
            "cookieSecret": "ab" * 32,
            "cryptKeys": "cd" * 32 + ";" + "ef" * 32,
            "proxyToken": "12" * 32,
            "githubClientSecret": people["client"]["secret"],
            "cilogonClientSecret": people["client"]["secret"],
            "otherClientSecret": people["client"]["secret"],
            "dummyPassword": PASSWORD,
            "dbUrl": f"sqlite:///{self.directory}/jupyterhub.sqlite",
        }.items():
            (self.secrets / key).write_text(value)
