"""The certificates of the native cluster: a CA, one certificate a component, and a key for ServiceAccount tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # else `jlddev.preflight` could not look at what needs it
    import trustme


@dataclass(frozen=True)
class Identity:
    """The subject of a certificate. Kubernetes takes `name` (CN) as the user and `organization` (O) as the group."""

    name: str
    organization: str | None = None
    addresses: Sequence[str] = ("jld-node",)  # DNS names and IP addresses that a server answers at


def write_all(
    folder: Path,
    identities: Mapping[str, Identity],
    others: Mapping[Path, Mapping[str, Identity]] = MappingProxyType({}),
) -> None:
    """Write ca.crt, `<component>.crt` and `.key` for each identity, and the key that signs ServiceAccount tokens.

    `others` are folders with certificates of the same CA, which have no such key. The CA's private key is discarded: all
    certificates are always issued together.
    """
    import trustme

    authority = trustme.CA(organization_name="jld-node")
    for each, inside in {folder: identities, **others}.items():
        issue(authority, each, inside)
    signer = authority.issue_cert("service-accounts.jld-node")
    write_private(folder / "service-accounts.key", signer.private_key_pem.bytes())


def issue(authority: "trustme.CA", folder: Path, identities: Mapping[str, Identity]) -> None:
    """Write the CA's certificate, and a certificate and key for each identity."""
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    for component, identity in identities.items():
        issued = authority.issue_cert(
            *identity.addresses, common_name=identity.name, organization_name=identity.organization
        )
        (folder / f"{component}.crt").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        write_private(folder / f"{component}.key", issued.private_key_pem.bytes())


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, which it has before it has content."""
    path.touch(mode=0o600)
    path.write_bytes(content)
