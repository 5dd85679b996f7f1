"""What JLD asks of a registry: the tags of a repository, the digest of a tag, and the sizes of an image.

    async with RegistryClient(Keyring.read({"pull secret": document}), authority=Path("/etc/jld/ca.crt")) as client:
        names = await client.tags(parse("docker.io/lsstsqre/sciplat-lab").repository)

Every failure is a RegistryError.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from jldhub.images.registry.answers import NO_REGISTRY, document, expected
from jldhub.images.registry.authorization import Authorization
from jldhub.images.registry.credentials import Keyring
from jldhub.images.registry.errors import ImageUnknown, RegistryAnswerUnusable, RegistryUnavailable
from jldhub.images.registry.listing import Listing
from jldhub.images.registry.manifests import parts_of, size_of
from jldhub.images.registry.reference import Repository, is_digest
from jldhub.images.registry.transport import Answer, Limits, Transport

_ACCEPT = ", ".join(
    (
        # The digest of all platforms, where there are several.
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class RegistryClient:
    """Used as `async with`, for as many registries as there are. It keeps tokens, and pages with an ETag, between requests.

    `authority` is a file with the certificate authorities of registries, beside those that the system trusts; one that cannot be read
    raises RegistryConfigurationError. Proxies are those of the environment (HTTPS_PROXY, NO_PROXY).
    """

    def __init__(
        self, keyring: Keyring | None = None, authority: Path | None = None, limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._transport = Transport(authority, self._limits)
        self._authorization = Authorization(keyring or Keyring(), self._transport)
        self._listing = Listing(self._authorization, self._limits)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.__aexit__()

    async def tags(self, repository: Repository) -> list[str]:
        """All tags. Raises ImageUnknown where the registry has no such repository, or hides it."""
        try:
            async with asyncio.timeout(self._limits.listing):
                return await self._listing.tags(repository)
        except TimeoutError as failure:
            raise RegistryUnavailable(
                repository,
                f"its list of tags takes longer than {self._limits.listing:g} s",
                "See whether the registry is overloaded",
            ) from failure

    async def digest(self, repository: Repository, tag: str) -> str:
        """The digest that the tag has now: of the index of all platforms, where there is one. Raises ImageUnknown, too."""
        answer = await self._manifest("HEAD", repository, tag)
        digest = answer.headers.get("Docker-Content-Digest", "")
        if not digest:  # not every registry sends it
            answer = await self._manifest("GET", repository, tag)
            digest = _digest_of(answer)
        if not is_digest(digest):
            raise RegistryAnswerUnusable(f"{repository}:{tag}", "its digest is none by SHA-256", NO_REGISTRY)
        return digest

    async def digests(self, repository: Repository, tags: Iterable[str]) -> dict[str, str]:
        """Those of several tags, by tag. One that the repository does not have is left out."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {tag: group.create_task(self._digest_or_none(repository, tag)) for tag in set(tags)}
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return {tag: digest for tag, task in tasks.items() if (digest := task.result())}

    async def contents(self, repository: Repository, digest: str) -> dict[str, int]:
        """Bytes to pull of the image with this digest, by architecture; by "" for an image of a single platform, which only its
        configuration names.

        What is not for Linux is left out, and so is what the registry does not have of an index: mirrors often have the parts for
        their own nodes only. Of several variants of an architecture the largest counts.
        """
        manifest = await self._verified(repository, digest)
        if "manifests" not in manifest:
            return {"": size_of(manifest, f"{repository}@{digest}")}
        found: dict[str, int] = {}
        for architecture, single in parts_of(manifest, f"{repository}@{digest}"):
            try:
                size = size_of(await self._verified(repository, single), f"{repository}@{single}")
            except ImageUnknown:
                continue
            found[architecture] = max(size, found.get(architecture, 0))
        return found

    async def _verified(self, repository: Repository, digest: str) -> dict[str, Any]:
        """The manifest with this digest."""
        answer, place = await self._manifest("GET", repository, digest), f"{repository}@{digest}"
        if _digest_of(answer) != digest:
            raise RegistryAnswerUnusable(place, "its manifest does not have this digest", NO_REGISTRY)
        return document(answer, place)

    async def _digest_or_none(self, repository: Repository, tag: str) -> str | None:
        try:
            return await self.digest(repository, tag)
        except ImageUnknown:
            return None

    async def _manifest(self, method: str, repository: Repository, name: str) -> Answer:
        url = repository.url("manifests", name)
        answer = await self._authorization.request(method, url, repository, {"Accept": _ACCEPT})
        return expected(answer, f"{repository}{'@' if is_digest(name) else ':'}{name}")


def _digest_of(answer: Answer) -> str:
    return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
