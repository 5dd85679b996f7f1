"""Builds the native node's programs from published Go modules, its NFS client, h2spec, and a registry of images.

Builds are cached by their sources.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from jlddev.support.lock import alone
from jlddev.support.paths import CACHE, DEV_TOOLS
from jlddev.support.run import run, say
from jlddev.tools import go

MODULE = DEV_TOOLS / "node" / "programs"
NFS_CLIENT = DEV_TOOLS / "node" / "nfs-client"
H2SPEC = DEV_TOOLS / "h2spec"
REGISTRY = DEV_TOOLS / "registry"
KUBERNETES = "k8s.io/kubernetes"
PROGRAMS = {
    "kubelet": f"{KUBERNETES}/cmd/kubelet",
    "kube-apiserver": f"{KUBERNETES}/cmd/kube-apiserver",
    "kube-controller-manager": f"{KUBERNETES}/cmd/kube-controller-manager",
    "kube-scheduler": f"{KUBERNETES}/cmd/kube-scheduler",
    "kube-proxy": f"{KUBERNETES}/cmd/kube-proxy",
    "coredns": "./coredns",
    "network-policies": "./policies",
    "local-path-provisioner": "github.com/rancher/local-path-provisioner",
}
FOR_KIND = {  # what else a node for kind has
    "etcd": "go.etcd.io/etcd/server/v3",
    "kubeadm": f"{KUBERNETES}/cmd/kubeadm",
}
# The compiler's own garbage collection takes a quarter of its time, and pays from some memory on only.
GO_SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOGC": "off", "GOMEMLIMIT": "2GiB"}


def kubernetes_version(go_mod: str) -> str:
    """The version `v1.X.Y` of k8s.io/kubernetes in the text of a go.mod. Raises ValueError."""
    for line in go_mod.splitlines():
        words = line.replace("require", "").split()
        if words[:1] == [KUBERNETES] and len(words) == 2:
            return words[1]
    raise ValueError(f"go.mod does not require {KUBERNETES}")


def digest(sources: Path) -> str:
    """A digest of the files in a folder, 12 hexadecimal digits."""
    contents = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        if path.is_file():
            contents.update(path.read_bytes())
    return contents.hexdigest()[:12]


def directory() -> Path:
    """The folder of the built programs. Its name contains a digest of their sources."""
    return CACHE / "node" / f"programs-{digest(MODULE)}"


def nfs_client() -> Path:
    """The path of the built NFS client. Its folder's name contains a digest of its sources."""
    return CACHE / "node" / f"nfs-client-{digest(NFS_CLIENT)}" / "mount.nfs"


def h2spec() -> Path:
    """The path of the built h2spec, which tests a server's HTTP/2.

    Its folder's name contains a digest of its sources.
    """
    return CACHE / f"h2spec-{digest(H2SPEC)}" / "h2spec"


def registry() -> Path:
    """The path of the built registry of images. Its folder's name contains a digest of its sources."""
    return CACHE / f"registry-{digest(REGISTRY)}" / "registry"


def missing(names: Iterable[str] = PROGRAMS) -> list[str]:
    """Those of the programs that are not built yet."""
    return [name for name in names if not (directory() / name).exists()]


def require_go(names: Iterable[str] = PROGRAMS) -> None:
    """Raises Unsupported when something must be compiled and there is no Go to be had."""
    if missing(names) or not nfs_client().exists():
        go.require(
            "The native cluster compiles Kubernetes",
            ", or start Docker (then kind is used), or set KUBECONFIG to a cluster that you have",
        )


@alone("programs")
def build(names: Iterable[str] = PROGRAMS) -> Path:
    """Build those programs that are missing. Returns their folder. The first time takes about ten minutes on two cores.

    An interrupted build continues with the next program. Raises Unsupported and MachineError.
    """
    target = directory()
    wanted = missing(names)
    if not wanted:
        return target
    require_go(wanted)
    version = kubernetes_version((MODULE / "go.mod").read_text())
    say(
        f"Kubernetes {version} is compiled once for this machine: {len(wanted)} programs, about ten minutes on two cores."
    )
    target.mkdir(parents=True, exist_ok=True)
    minor = version.split(".")[1]
    package = "k8s.io/component-base/version"
    stamp = f"-X {package}.gitVersion={version} -X {package}.gitMajor=1 -X {package}.gitMinor={minor}"
    package_of = PROGRAMS | FOR_KIND
    for number, name in enumerate(wanted, start=1):
        half_built = target / f".{name}"
        run(
            f"compile {name} ({number} of {len(wanted)})",
            [go.program(), "build", "-trimpath", "-ldflags", f"-s -w {stamp}", "-o", half_built, package_of[name]],
            log=f"build-{name}",
            cwd=MODULE,
            env=os.environ | GO_SETTINGS,
        )
        half_built.rename(target / name)
    return target


def build_nfs_client() -> Path:
    """Build the NFS client unless it is cached. Returns its path. Raises Unsupported and MachineError."""
    if not nfs_client().exists():
        require_go()
    return _built(nfs_client(), "the node's NFS client", NFS_CLIENT, ".")


def build_h2spec() -> Path:
    """Build h2spec unless it is cached. Returns its path. Raises Unsupported and MachineError."""
    if not h2spec().exists():
        go.require("The front door's HTTP/2 is asked by h2spec, which is compiled")
    return _built(h2spec(), "h2spec", H2SPEC, "github.com/summerwind/h2spec/cmd/h2spec")


def build_registry() -> Path:
    """Build the registry unless it is cached. Returns its path. Raises Unsupported and MachineError."""
    if not registry().exists():
        go.require("The client of registries is tried with the CNCF's distribution, which is compiled")
    return _built(registry(), "a registry of images", REGISTRY, ".")


@alone("programs")
def _built(target: Path, what: str, sources: Path, package: str) -> Path:
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    half_built = target.with_name(f".{target.name}")
    run(
        f"compile {what}",
        [go.program(), "build", "-trimpath", "-ldflags", "-s -w", "-o", half_built, package],
        log=f"build-{target.name}",
        cwd=sources,
        env=os.environ | GO_SETTINGS,
    )
    half_built.rename(target)
    return target
