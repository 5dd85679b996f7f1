"""Whether a hub starts with what was rendered, as far as that goes without a cluster: configuration read as JupyterHub reads it,
the classes that it names made from it, and the pod of a lab built and held to the API's schema.

It changes logs and traits of its process, so it belongs in one of its own, which is used for many sites: `starting()`.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from manifests import complaints
from rendering import KUBERNETES, MADE_UP_SECRETS, Object, Render, plain_name

SECRETS = {
    "cookieSecret": "ab" * 32,
    "cryptKeys": "cd" * 32,
    "proxyToken": "12" * 32,
    "metricsToken": "34" * 32,
    "dummyPassword": "a-password-made-up-for-tests",
    **MADE_UP_SECRETS,
}


HubFault = Callable[[Render], str]


@contextmanager
def starting() -> Iterator[HubFault]:
    """What says why a hub does not start; nothing where it does."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda rendered: pool.submit(fault, rendered.text).result()


def fault(text: str) -> str:
    """In the process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="jld-hub-"))
    try:
        return _fault(Render(text), folder)
    except SystemExit as stopped:  # a sentence of the hub's
        return str(stopped)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)


def _fault(rendered: Render, folder: Path) -> str:
    from jupyterhub.app import JupyterHub
    from jupyterhub.crypto import CryptKeeper
    from jupyterhub.objects import Hub

    with patch("jldhub.hub.database.ready_database", _ready_database):
        config = _config(rendered, folder)
    app = JupyterHub(config=config)
    app.hub = Hub.from_url(app.hub_connect_url)
    login = app.authenticator_class(parent=app)
    [getattr(login, name, "") for name in ("authorize_url", "token_url", "userdata_url")]
    login.get_handlers(app)
    app.proxy_class(parent=app, app=app, hub=app.hub, public_url=app.bind_url)
    CryptKeeper(parent=app)
    from jinja2 import Environment

    Environment(**app.jinja_environment_options)  # noqa: S701 - as JupyterHub makes it
    [str(Path(path)) for path in app.template_paths]
    pod = asyncio.run(_lab(app))
    return "; ".join(complaints([pod], KUBERNETES[-1]) + complaints([pod], KUBERNETES[0])) if pod else ""


def _ready_database(text: str, *_: object) -> list[str]:
    """The address is read and the driver is loaded, but nobody is asked."""
    from jldhub.hub.database import database_url
    from sqlalchemy import create_engine

    create_engine(database_url(text))
    return []


def _config(rendered: Render, folder: Path) -> Any:
    """The files of the pod, and the configuration that they make."""
    from traitlets.config import PyFileConfigLoader

    settings = rendered.settings()
    secrets = folder / "secret"
    secrets.mkdir()
    for name, value in (SECRETS | _own_secrets(rendered)).items():
        (secrets / name).write_text(value)
    for service in settings["hub"].get("services") or {}:
        file = secrets / f"service.{service}"
        file.write_text(file.read_text() if file.exists() else "ef" * 32)
    text = _files(rendered, "-hub-settings")["settings.yaml"]
    for directory in ("secret", "trust", "catalogue"):
        text = text.replace(
            f"{directory}Directory: /etc/jld/{directory}", f"{directory}Directory: {folder / directory}"
        )
    (folder / "settings.yaml").write_text(text)
    parts = folder / "jupyterhub_config.d"
    parts.mkdir()
    for name, text in _files(rendered, "-hub-config").items():
        (folder if name == "jupyterhub_config.py" else parts).joinpath(name).write_text(text)
    os.environ["JLD_SETTINGS"] = str(folder / "settings.yaml")
    return PyFileConfigLoader("jupyterhub_config.py", path=str(folder)).load_config()


def _files(rendered: Render, end: str) -> dict[str, str]:
    (found,) = [each for each in rendered.of_kind("ConfigMap") if plain_name(each).endswith(end)]
    return dict(found["data"])


def _own_secrets(rendered: Render) -> dict[str, str]:
    """Those of the Secret that the hub mounts, where the chart makes it."""
    (hub,) = [pod for pod in rendered.pods if pod.component == "hub"]
    (volume,) = [volume for volume in hub.spec["volumes"] if volume["name"] == "secret"]
    made = [each for each in rendered.of_kind("Secret") if each["metadata"]["name"] == volume["secret"]["secretName"]]
    return {name: base64.b64decode(value).decode() for each in made for name, value in each.get("data", {}).items()}


class _Api:
    """Answers as the API server does for what a lab's start asks of it."""

    async def read_namespaced_service_account(self, name: str, namespace: str) -> SimpleNamespace:
        return SimpleNamespace(metadata=SimpleNamespace(uid="0a1b"))


async def _lab(app: Any) -> Object:
    """The pod of somebody's lab; nothing where the images of the site are not known without a registry."""
    from jldhub.identity import Group, Identity
    from jldhub.labs.spawner import complete_pod
    from jldhub.support.refusal import Refusal
    from kubernetes_asyncio.client import ApiClient

    user = SimpleNamespace(name="ada", id=3, url="/user/ada/", escaped_name="ada", groups=[])
    hub = SimpleNamespace(
        url="http://jld-hub:8081/hub/", api_url="http://jld-hub:8081/hub/api", base_url="/hub/", public_host=""
    )
    with patch("kubespawner.spawner.load_config", lambda **_: None):
        spawner = app.spawner_class(user=user, hub=hub, parent=app, public_url="", public_hub_url="")
    spawner.api, spawner.api_token, spawner.start_id = _Api(), "a token", "5ca1ab1e"
    spawner.oauth_client_id = "jupyterhub-user-ada"
    spawner.server = SimpleNamespace(base_url="/user/ada/", cookie_name="")
    spawner.identity = Identity(
        uid=4000001, gid=4000001, groups=(Group("lsst", 5000001),), name="Ada", email="ada@example.org"
    )
    spawner.user_options = {}
    try:
        await spawner._run_apply_user_options(spawner.user_options)
        await spawner.load_user_options()
        with patch("jldhub.labs.spawner._provision_namespace", _no_claims):
            pod = await complete_pod(spawner, await spawner.get_pod_manifest())
    except Refusal:
        return {}
    async with ApiClient() as client:
        document: Object = client.sanitize_for_serialization(pod)
    return {"apiVersion": "v1", "kind": "Pod"} | document


async def _no_claims(*_: object) -> dict[str, str]:
    return {}
