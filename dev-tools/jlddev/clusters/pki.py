"""The certificates of the native cluster: one CA, one certificate a component, one key for service-account tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Identity:
    """Who a certificate speaks for: Kubernetes reads the user from `name` and the group from `organization`."""

    name: str
    organization: str | None = None
    addresses: Sequence[str] = ("jld-node",)  # DNS names and IP addresses that a server answers at


def write_all(folder: Path, identities: Mapping[str, Identity]) -> None:
    """Write ca.crt, `<component>.crt` and `.key` for each identity, and the key that signs service-account tokens.

    The CA's own key is not kept: the node is made anew when its certificates are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="jld-node")
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    for component, identity in identities.items():
        issued = authority.issue_cert(
            *identity.addresses, common_name=identity.name, organization_name=identity.organization
        )
        (folder / f"{component}.crt").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        write_private(folder / f"{component}.key", issued.private_key_pem.bytes())
    signer = authority.issue_cert("service-accounts.jld-node")
    write_private(folder / "service-accounts.key", signer.private_key_pem.bytes())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.touch(mode=0o600)
    path.write_bytes(content)
