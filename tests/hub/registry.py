"""The CNCF's registry, distribution, as processes over one folder: open, with logins, or with tokens."""

import hashlib
import json
import ssl
from pathlib import Path
from typing import IO, Any

import httpx
import yaml
from jlddev.clusters import programs

from tests.ports import free_port

from .processes import Program

USER, PASSWORD = "ann", "pa55word-of-ann"
# Of that password by bcrypt, which is all that distribution takes, with the least work.
HTPASSWD = f"{USER}:$2b$04$abcdefghijklmnopqrstuuD9xv9rco9oQwcM5HQ5RnqeDftts4SLS\n"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry(Program):
    """One process. `auth` is that part of its configuration; `certificate` has the files tls.crt and tls.key for `address`."""

    def __init__(
        self,
        folder: Path,
        storage: Path,
        certificate: Path,
        auth: dict[str, Any] | None = None,
        address: str = "localhost",
    ) -> None:
        folder.mkdir()
        self.host = f"{address}:{free_port()}"
        self.authority = certificate / "ca.crt"
        configuration = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(storage)}},
            "http": {
                "addr": self.host,
                "secret": "of the tests",
                "tls": {"certificate": str(certificate / "tls.crt"), "key": str(certificate / "tls.key")},
            },
            **({"auth": auth} if auth else {}),
        }
        file = folder / "configuration.yaml"
        file.write_text(yaml.safe_dump(configuration))
        super().__init__(
            "registry", [str(programs.build_registry()), "serve", str(file)], {"OTEL_TRACES_EXPORTER": "none"}, folder
        )

    def start(self) -> None:
        super().start()
        self.wait_until(self._answers)

    def client(self) -> httpx.Client:
        """With the login, which a registry that is open does not read."""
        trusted = ssl.create_default_context(cafile=self.authority)
        return httpx.Client(base_url=f"https://{self.host}", verify=trusted, auth=(USER, PASSWORD), timeout=60)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/v2/").status_code in (200, 401)
        except httpx.TransportError:
            return False

    def push(self, repository: str, tag: str, platforms: list[dict[str, str]]) -> str:
        """Push an image for these platforms, or one that is not in an index if there are none. Returns its digest."""
        with self.client() as client:
            config = put_bytes(client, repository, CONFIG, b"{}")
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
            if not platforms:
                return put_manifest(client, repository, tag, MANIFEST, manifest)
            entries = []
            for platform in platforms:
                single = {**manifest, "annotations": platform}
                body = json.dumps(single).encode()
                digest = put_manifest(client, repository, digest_of(body), MANIFEST, single)
                entries.append({"mediaType": MANIFEST, "digest": digest, "size": len(body), "platform": platform})
            return put_manifest(
                client, repository, tag, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
            )


def write_tags(storage: Path, repository: str, digest: str, tags: list[str]) -> None:
    """Tags of an image that is there, as distribution itself writes them, in a fraction of the time that as many pushes take."""
    folder = storage / "docker" / "registry" / "v2" / "repositories" / repository / "_manifests" / "tags"
    for tag in tags:
        (folder / tag / "current").mkdir(parents=True, exist_ok=True)
        (folder / tag / "current" / "link").write_text(digest)


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def put_blob(client: httpx.Client, repository: str, digest: str, body: bytes | IO[bytes]) -> None:
    upload = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status().headers["Location"]
    client.put(httpx.URL(upload).copy_merge_params({"digest": digest}), content=body).raise_for_status()


def put_bytes(client: httpx.Client, repository: str, media_type: str, body: bytes) -> dict[str, Any]:
    """Returns what a manifest says of them."""
    digest = digest_of(body)
    put_blob(client, repository, digest, body)
    return {"mediaType": media_type, "digest": digest, "size": len(body)}


def put_manifest(client: httpx.Client, repository: str, name: str, media_type: str, document: dict[str, Any]) -> str:
    body = json.dumps(document).encode()
    address, headers = f"/v2/{repository}/manifests/{name}", {"Content-Type": media_type}
    client.put(address, content=body, headers=headers).raise_for_status()
    return digest_of(body)
