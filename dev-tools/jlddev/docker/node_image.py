"""A node image for kind, where its own cannot be pulled: kind's files, Debian's packages, and what the native cluster compiles."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from jlddev.clusters import load, programs, providers
from jlddev.images import build
from jlddev.support.lock import alone
from jlddev.support.paths import BIN, CACHE, DEV_TOOLS
from jlddev.support.run import output, run
from jlddev.tools import go

SOURCES = DEV_TOOLS / "kind"
FOLDER = CACHE / "kind"
PODS = "localhost/jld/kind-pods:1"  # as the files in SOURCES call it
OF_PODS = (
    "coredns",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "local-path-provisioner",
    "network-policies",
)
OF_NODE = ("kubeadm", "kubelet")


def version() -> str:
    """The version of Kubernetes in the image, `v1.X.Y`."""
    return programs.kubernetes_version((programs.MODULE / "go.mod").read_text())


def reference() -> str:
    """Its name: that of kind's own image, with the version of Kubernetes."""
    return f"kindest/node:{version()}"


@alone("kind-node")
def built() -> Path:
    """Build the image unless it is cached. Returns an archive of it. Raises Unsupported and MachineError."""
    made = programs.build((*OF_PODS, *OF_NODE))
    pods = build.Image("kind-pods", pods_context(made))
    builder = build.build([pods])
    node = build.Image("kind-node", node_context(made, builder, pods))
    archive = FOLDER / f"{node.tag}.tar"
    if not archive.exists():
        build.build([node])
        half_made = load.save(builder, node, FOLDER / "half-made")
        for old in FOLDER.glob("src-*.tar"):
            old.unlink()
        half_made.rename(archive)
    return archive


def pods_context(made: Path) -> Path:
    """The folder of which the image of the cluster's own pods is built."""
    folder = fresh(FOLDER / "pods", SOURCES / "pods")
    shutil.copy(DEV_TOOLS / "node" / "cni.conflist", folder)
    link([*(made / name for name in OF_PODS), BIN / "kubectl"], folder / "programs")
    return folder


def node_context(made: Path, builder: build.Builder, pods: build.Image) -> Path:
    """The folder of which the node's image is built, with an archive of the image of the pods."""
    archive = FOLDER / "archives" / f"{pods.tag}.tar"
    if not archive.exists():
        shutil.rmtree(archive.parent, ignore_errors=True)
        load.save(builder, pods, archive.parent).rename(archive)
    folder = fresh(FOLDER / "node", SOURCES / "node")
    shutil.copytree(base_files(), folder / "files", copy_function=copy_writable)
    link([*(made / name for name in OF_NODE), BIN / "kubectl"], folder / "programs")
    link([archive], folder / "images")
    (folder / "images" / archive.name).rename(folder / "images" / "pods.tar")
    (folder / "images" / "reference").write_text(pods.reference)
    (folder / "images" / "names").write_text("".join(f"{name}\n" for name in names(made / "kubeadm")))
    (folder / "version").write_text(version())
    return folder


def names(kubeadm: Path) -> list[str]:
    """What the image of the pods is called where somebody asks for it: by kubeadm, and by the files in SOURCES."""
    asked = output([kubeadm, "config", "images", "list", f"--kubernetes-version={version()}"]).split()
    return [*asked, PODS]


def base_files() -> Path:
    """The files of kind's base image, in its module."""
    env = os.environ | {"GOFLAGS": "-mod=mod"}
    told = output([go.program(), "mod", "download", "-json", providers.KIND_PROGRAM], env=env)
    return Path(json.loads(told)["Dir"]) / "images" / "base" / "files"


def fresh(folder: Path, sources: Path) -> Path:
    """A folder with a copy of the sources and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sources, folder)
    return folder


def copy_writable(source: str, target: str) -> str:
    """Copy a file of Go's cache, in which nothing may be written."""
    shutil.copyfile(source, target)
    return target


def link(files: Iterable[Path], folder: Path) -> None:
    """Have large files in a folder without copying them."""
    folder.mkdir()
    for file in files:
        os.link(file, folder / file.name)


def give(archive: Path, docker: Path) -> None:
    """Load the image into an engine, unless it has it, under the name by which kind is told to ask for it."""
    name = f"{build.REGISTRY}/kind-node:{archive.stem}"
    if subprocess.run([docker, "image", "inspect", name], capture_output=True, check=False).returncode:
        run("load the node's image", ["sh", "-c", 'exec "$1" load <"$2"', "sh", docker, archive], log="kind-node-load")
    output([docker, "tag", name, reference()])
