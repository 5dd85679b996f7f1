"""The client of registries, with what the chart mounts: logins of pull Secrets, and the site's own certificate authorities."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jldhub.images.registry.client import RegistryClient
from jldhub.images.registry.credentials import Keyring, Login
from jldhub.images.registry.errors import RegistryConfigurationError
from jldhub.support.outbound import AUTHORITIES

DIRECTORY = Path("/etc/jld/registries")  # `ca.crt`, and `logins/NAME.json` of each pull Secret
log = logging.getLogger("jldhub.images")


@dataclass(frozen=True)
class _Mounted:
    """The files of now: the kubelet replaces them when their Secret or ConfigMap changes."""

    certificates: bytes
    logins: tuple[tuple[str, bytes], ...]

    @classmethod
    def read(cls, directory: Path) -> Self:
        files = sorted(directory.glob("logins/*.json"))
        return cls(_content(directory / AUTHORITIES), tuple((file.stem, _content(file)) for file in files))


class Clients:
    """Keeps one client between rounds, for its tokens and pages, until the files change.

    A file that cannot be used is left out, with a line in the log: other images need other ones.
    """

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._directory = directory
        self._mounted: _Mounted | None = None
        self._client: RegistryClient | None = None

    async def client(self) -> RegistryClient:
        mounted = _Mounted.read(self._directory)
        if self._client is None or mounted != self._mounted:
            await self.aclose()
            self._client = await _client(mounted, self._directory / AUTHORITIES).__aenter__()
            self._mounted = mounted
        return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.__aexit__()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it is optional
        return b""


def _client(mounted: _Mounted, authority: Path) -> RegistryClient:
    entries: list[tuple[str, Login]] = []
    for name, document in mounted.logins:
        try:
            entries += Keyring.read({f"the pull Secret {name}": document}).entries
        except RegistryConfigurationError as mistake:
            log.error("%s", mistake)
    keyring = Keyring(tuple(entries))
    try:
        return RegistryClient(keyring, authority if mounted.certificates.strip() else None)
    except RegistryConfigurationError as mistake:
        log.error("global.certificateAuthorities: %s", mistake)
        return RegistryClient(keyring)
