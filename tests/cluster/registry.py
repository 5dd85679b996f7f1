"""A registry that this machine's cluster pulls from, over TLS with a CA of its own and with a login, and a series of images in it."""

import io
import json
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jlddev.clusters import native, registries
from jlddev.support import pki

from tests.hub.registry import (
    CONFIG,
    HTPASSWD,
    MANIFEST,
    PASSWORD,
    USER,
    Registry,
    digest_of,
    put_blob,
    put_bytes,
    put_manifest,
)

LAYER = "application/vnd.oci.image.layer.v1.tar"
TOLD_IN = "/etc/series"  # the file of an image in which its tag stands


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """On this machine's side of its link to the native node, where nobody else reaches it. The node trusts its CA."""
    certificate = folder / "certificate"
    pki.write_all(certificate, {"tls": pki.Identity("registry", addresses=[native.HOST_ADDRESS])})
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "labs", "path": str(folder / "htpasswd")}}
    made = Registry(folder / "registry", folder / "storage", certificate, auth, native.HOST_ADDRESS)
    with registries.trusted(made.host, made.authority):
        made.start()
        yield made
        made.stop()


def pull_secret(name: str, host: str) -> str:
    """The Secret of that name with the login."""
    login = json.dumps({"auths": {host: {"username": USER, "password": PASSWORD}}})
    metadata = {"name": name}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": metadata,
            "stringData": {".dockerconfigjson": login},
        }
    )


def push_series(
    registry: Registry, repository: str, archive: Path, tags: Sequence[str], aliases: Mapping[str, str]
) -> dict[str, str]:
    """Push an image that a builder saved as images of a series: each has one more layer, with a file in which its tag stands.

    Returns the digests of all tags, those of aliases too.
    """
    with registry.client() as client, tarfile.open(archive) as saved:
        (parts,) = json.load(_member(saved, "manifest.json"))
        config = json.load(_member(saved, parts["Config"]))
        below = []
        # Layers are not compressed in an archive: the names of their content are those that the node has, if it has the image.
        for name, digest in zip(parts["Layers"], config["rootfs"]["diff_ids"], strict=True):
            put_blob(client, repository, digest, _member(saved, name))
            below.append({"mediaType": LAYER, "digest": digest, "size": saved.getmember(name).size})
        digests, now = {}, int(time.time())  # which makes layers that no node has
        for tag in (*tags, *aliases):
            top = _layer(TOLD_IN, aliases.get(tag, tag), now)
            layers = [*below, put_bytes(client, repository, LAYER, top)]
            document = json.dumps(_with_layer(config, digest_of(top))).encode()
            described = put_bytes(client, repository, CONFIG, document)
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}
            digests[tag] = put_manifest(client, repository, tag, MANIFEST, manifest)
        return digests


def push_bare(registry: Registry, repository: str, tag: str) -> str:
    """Push an image in which there is one text and no program, and return its digest."""
    with registry.client() as client:
        layer = _layer(TOLD_IN, "There is nothing here.", int(time.time()))
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": put_bytes(client, repository, CONFIG, json.dumps(config).encode()),
            "layers": [put_bytes(client, repository, LAYER, layer)],
        }
        return put_manifest(client, repository, tag, MANIFEST, manifest)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    assert file is not None
    return file


def _layer(name: str, text: str, written_at: int) -> bytes:
    layer, content = io.BytesIO(), text.encode()
    with tarfile.open(fileobj=layer, mode="w") as written:
        entry = tarfile.TarInfo(name.removeprefix("/"))
        entry.size, entry.mtime = len(content), written_at
        written.addfile(entry, io.BytesIO(content))
    return layer.getvalue()


def _with_layer(config: Mapping[str, Any], layer: str) -> dict[str, Any]:
    history = [*config.get("history", []), {"created_by": f"write {TOLD_IN}"}]
    return {
        **config,
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": [*config["rootfs"]["diff_ids"], layer]},
    }
