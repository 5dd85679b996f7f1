"""The Secret of one lab: its start program, files of `/etc`, and tokens, which must not be in environment variables or in the home.

Each start has one of its own, so that it never has a token that was rotated or revoked, and the hub needs no right to change
Secrets. It is written when its pod exists, which owns it: Kubernetes deletes it with the pod, and a start that is refused
leaves none. The kubelet waits for it.
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

# The directory of these files in a lab, which the programs there read from the variable JLD_FILES.
FILES = "/run/jld"
HUB_TOKEN = "hub-token"  # noqa: S105 - the name of a file
GIT_CREDENTIAL = "git-credential"

_SCOPES = {Push.NONE: [], Push.PUBLIC: ["public_repo"], Push.ALL: ["repo"]}


class SecretsApi(Protocol):
    """The one request for Secrets that the hub's Role permits. It can neither read nor change Secrets."""

    async def create_namespaced_secret(self, namespace: str, body: V1Secret) -> Any: ...


def lab_secret(
    name: str, labels: Mapping[str, str], files: Mapping[str, str], owners: list[V1OwnerReference]
) -> V1Secret:
    """The Secret with `files`: name below `FILES` to text. It is garbage-collected with `owners`."""
    return V1Secret(
        api_version="v1",
        kind="Secret",
        type="Opaque",
        metadata=V1ObjectMeta(name=name, labels=dict(labels), owner_references=owners),
        data={secret_key(file): b64encode(text.encode()).decode() for file, text in files.items()},
    )


def secret_key(file: str) -> str:
    """The key of a file by its path below `FILES`: a key holds no slash."""
    return file.replace("/", ".")


async def write_secret(
    api: SecretsApi, namespace: str, secret: V1Secret, request_seconds: float, seconds: float
) -> None:
    """Create the Secret, unless an attempt whose answer was lost did.

    Each request has a time-out of `request_seconds`. A request that times out is retried, for `seconds` altogether;
    then raises TimeoutError. Raises ApiException.
    """
    await exponential_backoff(
        partial(_try_to_write, api, namespace, secret, request_seconds),
        f"The Kubernetes API took no Secret {secret.metadata.name}",
        timeout=seconds,
    )


async def _try_to_write(api: SecretsApi, namespace: str, secret: V1Secret, seconds: float) -> bool:
    """Whether the Secret was written; False means retry."""
    try:
        await asyncio.wait_for(api.create_namespaced_secret(namespace, secret), seconds)
    except TimeoutError:
        return False
    except ApiException as error:
        if error.status != 409:  # its name is that of one start: whoever made it wrote the same
            raise
    return True


def git_scopes(push: Push) -> list[str]:
    """The OAuth scopes at GitHub with which git may push with the token of the login."""
    return list(_SCOPES[push])


def git_address(github: GitHub) -> str:
    """The only address to which git sends the token of the login, always with https."""
    return urlsplit(github.url)._replace(scheme="https").geturl()


def git_credential(token: str) -> str:
    """The output of git's credential helper for a token, see git-credential(1).

    As an ephemeral authtype, unlike as a password, git passes it to no other helper, which might store it in the home.
    """
    credential = b64encode(f"x-access-token:{token}".encode()).decode()
    return f"capability[]=authtype\nauthtype=Basic\ncredential={credential}\nephemeral=1\n"
