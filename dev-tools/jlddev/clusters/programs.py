"""Build the native node's programs from their published Go modules, its NFS client, and h2spec, once for each state of their sources."""

import hashlib
import os
import shutil
from pathlib import Path

from jlddev.support.errors import Unsupported
from jlddev.support.lock import alone
from jlddev.support.paths import CACHE, DEV_TOOLS
from jlddev.support.run import output, run, say

MODULE = DEV_TOOLS / "node" / "programs"
NFS_CLIENT = DEV_TOOLS / "node" / "nfs-client"
H2SPEC = DEV_TOOLS / "h2spec"
KUBERNETES = "k8s.io/kubernetes"
OLDEST_GO = "1.26"
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
GO_SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}


def kubernetes_version(go_mod: str) -> str:
    """The `v1.X.Y` that a go.mod text requires of k8s.io/kubernetes."""
    for line in go_mod.splitlines():
        words = line.replace("require", "").split()
        if words[:1] == [KUBERNETES] and len(words) == 2:
            return words[1]
    raise ValueError(f"go.mod does not require {KUBERNETES}")


def digest(sources: Path) -> str:
    """A name for what a folder holds."""
    found = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


def directory() -> Path:
    """The folder of the built programs; its name changes with what they are built from."""
    return CACHE / "node" / f"programs-{digest(MODULE)}"


def nfs_client() -> Path:
    """The built NFS client; its folder's name changes with what it is built from."""
    return CACHE / "node" / f"nfs-client-{digest(NFS_CLIENT)}" / "mount.nfs"


def h2spec() -> Path:
    """The built h2spec, which asks a server about HTTP/2; its folder's name changes with what it is built from."""
    return CACHE / f"h2spec-{digest(H2SPEC)}" / "h2spec"


def missing() -> list[str]:
    """The programs that are not built yet."""
    return [name for name in PROGRAMS if not (directory() / name).exists()]


def require_go() -> None:
    """Raises Unsupported when something is to be compiled and there is no Go that can."""
    if not missing() and nfs_client().exists():
        return
    _require_go(
        "The native cluster compiles Kubernetes",
        ", or start Docker (then kind is used), or set KUBECONFIG to a cluster that you have",
    )


def _require_go(purpose: str, instead: str = "") -> None:
    if shutil.which("go") is None:
        raise Unsupported(f"{purpose}, and there is no Go: install Go {OLDEST_GO} or newer{instead}.")
    version = output(["go", "env", "GOVERSION"]).strip()
    if numbers(version.removeprefix("go")) < numbers(OLDEST_GO):
        raise Unsupported(f"{purpose}, which {version} cannot: install Go {OLDEST_GO} or newer{instead}.")


def numbers(version: str) -> tuple[int, ...]:
    """`1.26.8` as (1, 26); what follows does not count here."""
    return tuple(int(part) for part in version.split(".")[:2])


@alone("programs")
def build() -> Path:
    """Build what is missing and return the folder; cold, about ten minutes on two cores. Each program is kept when it is done."""
    target = directory()
    wanted = missing()
    if not wanted:
        return target
    require_go()
    version = kubernetes_version((MODULE / "go.mod").read_text())
    say(
        f"Kubernetes {version} is compiled once for this machine: {len(wanted)} programs, about ten minutes on two cores."
    )
    target.mkdir(parents=True, exist_ok=True)
    minor = version.split(".")[1]
    package = "k8s.io/component-base/version"
    stamp = f"-X {package}.gitVersion={version} -X {package}.gitMajor=1 -X {package}.gitMinor={minor}"
    for number, name in enumerate(wanted, start=1):
        half_built = target / f".{name}"
        run(
            f"compile {name} ({number} of {len(wanted)})",
            ["go", "build", "-trimpath", "-ldflags", f"-s -w {stamp}", "-o", half_built, PROGRAMS[name]],
            log=f"build-{name}",
            cwd=MODULE,
            env=os.environ | GO_SETTINGS,
        )
        half_built.rename(target / name)
    return target


def build_nfs_client() -> Path:
    """Build the NFS client unless it is there, in some seconds, and return it."""
    if not nfs_client().exists():
        require_go()
    return _built(nfs_client(), "the node's NFS client", NFS_CLIENT, ".")


def build_h2spec() -> Path:
    """Build h2spec unless it is there, in some seconds, and return it. Raises Unsupported where there is no Go that can."""
    if not h2spec().exists():
        _require_go("The front door's HTTP/2 is asked by h2spec, which is compiled")
    return _built(h2spec(), "h2spec", H2SPEC, "github.com/summerwind/h2spec/cmd/h2spec")


@alone("programs")
def _built(target: Path, what: str, sources: Path, package: str) -> Path:
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    half_built = target.with_name(f".{target.name}")
    run(
        f"compile {what}",
        ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", half_built, package],
        log=f"build-{target.name}",
        cwd=sources,
        env=os.environ | GO_SETTINGS,
    )
    half_built.rename(target)
    return target
