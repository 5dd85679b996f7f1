"""The Secret of one lab: the files that say who the person is, and the tokens that no environment and no shared home holds.

It is written anew at each start, so that a token that was replaced or withdrawn does not linger, and belongs to the lab's pod,
with which Kubernetes removes it.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from jupyterhub.utils import exponential_backoff
from kubernetes_asyncio.client import ApiException, V1ObjectMeta, V1OwnerReference, V1Secret

from jldhub.settings.lab import Push
from jldhub.settings.login import GitHub

# Where a lab finds its files. `images/lab` knows it by the variable JLD_FILES.
FILES = "/run/jld"
HUB_TOKEN = "hub-token"  # noqa: S105 - the name of a file
GIT_CREDENTIAL = "git-credential"

_SCOPES = {Push.NONE: [], Push.PUBLIC: ["public_repo"], Push.ALL: ["repo"]}


class SecretsApi(Protocol):
    """The two calls of the Kubernetes API that the hub's Role has for Secrets: it can read none."""

    async def create_namespaced_secret(self, namespace: str, body: V1Secret) -> Any: ...
    async def replace_namespaced_secret(self, name: str, namespace: str, body: V1Secret) -> Any: ...


def lab_secret(
    name: str, labels: Mapping[str, str], files: Mapping[str, str], owners: list[V1OwnerReference]
) -> V1Secret:
    """`files` by their names below `FILES`. Without its owners the Secret goes too."""
    return V1Secret(
        api_version="v1",
        kind="Secret",
        type="Opaque",
        metadata=V1ObjectMeta(name=name, labels=dict(labels), owner_references=owners),
        data={file: b64encode(text.encode()).decode() for file, text in files.items()},
    )


async def write_secret(
    api: SecretsApi, namespace: str, secret: V1Secret, request_seconds: float, seconds: float
) -> None:
    """Write the Secret whether it is there or not. A request without an answer is made again, for `seconds` altogether."""
    await exponential_backoff(
        partial(_try_to_write, api, namespace, secret, request_seconds),
        f"The Kubernetes API took no Secret {secret.metadata.name}",
        timeout=seconds,
    )


async def _try_to_write(api: SecretsApi, namespace: str, secret: V1Secret, seconds: float) -> bool:
    """Whether the API took it in time."""
    try:
        try:
            await asyncio.wait_for(api.create_namespaced_secret(namespace, secret), seconds)
        except ApiException as error:
            if error.status != 409:
                raise
            await asyncio.wait_for(api.replace_namespaced_secret(secret.metadata.name, namespace, secret), seconds)
    except TimeoutError:
        return False
    except ApiException as error:
        if error.status != 404:  # it went away between the two calls: the next round creates it
            raise
        return False
    return True


def git_scopes(push: Push) -> list[str]:
    """What a person is asked for at GitHub, so that git may write with the login's token."""
    return list(_SCOPES[push])


def git_address(github: GitHub) -> str:
    """Where git may show the login's token: this host alone, and never in clear text."""
    return urlsplit(github.url)._replace(scheme="https").geturl()


def git_credential(token: str) -> str:
    """What git's helper answers. In this form, unlike as a password, git hands it to no helper that would keep it in the home."""
    credential = b64encode(f"x-access-token:{token}".encode()).decode()
    return f"capability[]=authtype\nauthtype=Basic\ncredential={credential}\nephemeral=1\n"
