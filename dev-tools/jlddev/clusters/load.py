"""Loads built images onto the nodes of a local cluster."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from jlddev.clusters import nodes
from jlddev.clusters.nodes import FIRST, Node
from jlddev.images.build import Builder, Image
from jlddev.support.lock import alone
from jlddev.support.paths import CACHE
from jlddev.support.run import output, run

_ID = "sha256:"  # how the name begins that the runtime itself gives each image
CTR = ["ctr", "--namespace", "k8s.io", "images"]


@alone("load-images")
def into_native(builder: Builder, images: Iterable[Image]) -> None:
    """Import images into the containerd of each running node that lacks them, and tag each with its alias too."""
    present = {node: set(names_in_native(node)) for node in nodes.running()}
    folder = CACHE / "archives"
    for image in images:
        lacking = [node for node, names in present.items() if image.reference not in names]
        if lacking:
            archive = save(builder, image, folder)
        for node in lacking:
            # The archive is on this machine, which the node does not see.
            read = ["sh", "-c", 'exec "$@" < "$0"', str(archive), *_enter(node), *CTR, "import", "-"]
            run(f"import image {image.name} into {node.name}", read, log="image-import")
        for node in present:
            output([*_enter(node), *CTR, "tag", "--force", image.reference, image.alias])
    shutil.rmtree(folder, ignore_errors=True)


def remove_from_native(prefix: str) -> None:
    """Remove the names of images that begin so from all nodes, and with the last name the image's own id.

    With the id alone it would stay, and the kubelet would tell of it.
    """
    for node in nodes.running():
        digests = dict(_names_and_digests(output([*_enter(node), *CTR, "list"])))
        names = [name for name in digests if name.startswith(prefix)]
        ours = {digests[name] for name in names}
        kept = {digest for name, digest in digests.items() if not name.startswith((prefix, _ID))}
        names += [name for name, digest in digests.items() if name.startswith(_ID) and digest in ours - kept]
        if names:
            output([*_enter(node), *CTR, "remove", *names])


def _names_and_digests(table: str) -> Iterator[tuple[str, str]]:
    """Of the table that ctr prints, with a heading: REF, TYPE, DIGEST."""
    for line in table.splitlines()[1:]:
        name, _, digest, *_ = line.split()
        yield name, digest


def pin_in_native(name: str, pinned: bool = True) -> None:
    """Have the first node's containerd tell that the image is not to be removed, or not any more."""
    output([*_enter(FIRST), *CTR, "label", name, f"io.cri-containerd.pinned={'pinned' if pinned else ''}"])


def names_in_native(node: Node = FIRST) -> list[str]:
    """The names of images that a node's containerd has."""
    return output([*_enter(node), *CTR, "list", "--quiet"]).split()


def containers_in_native(pod: str) -> list[str]:
    """Those of a pod that the first node's containerd has: the kubelet removes them some time after the pod is gone."""
    of_pod = f'labels."io.kubernetes.pod.name"=={pod},labels."io.cri-containerd.kind"==container'
    return output([*_enter(FIRST), "ctr", "--namespace", "k8s.io", "containers", "list", "--quiet", of_pod]).split()


def _enter(node: Node) -> list[str]:
    return node.enter("mount", "pid", "net")


@alone("load-images")
def into_kind(
    builder: Builder, cluster: str, nodes_of_kind: Iterable[str], images: Iterable[Image], env: Mapping[str, str]
) -> None:
    """Load images onto those of kind's nodes that lack them, under their names and aliases; `env` has kind and docker on PATH."""
    present = {
        node: output(["docker", "exec", node, *CTR, "list", "--quiet"], env=env).split() for node in nodes_of_kind
    }
    folder = CACHE / "archives"
    for image in images:
        lacking = ",".join(node for node, names in present.items() if image.reference not in names)
        if lacking:
            archive = save(builder, image, folder)
            command = ["kind", "load", "image-archive", str(archive), "--name", cluster, "--nodes", lacking]
            run(f"load image {image.name}", command, log="image-load", env=env)
        for node in present:
            output(["docker", "exec", node, *CTR, "tag", "--force", image.reference, image.alias], env=env)
    shutil.rmtree(folder, ignore_errors=True)


def save(builder: Builder, image: Image, folder: Path) -> Path:
    """Write an archive of one image into `folder`. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{image.name}.tar"
    builder.save(image.reference, archive)
    return archive
