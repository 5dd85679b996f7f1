"""Root file systems from Debian's packages, cached by their list of packages."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from jlddev.support.lock import alone
from jlddev.support.paths import CACHE
from jlddev.support.run import run

SUITE = "trixie"
NODE_PACKAGES = (
    "ca-certificates",
    "catatonit",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "etcd-server",
    "iproute2",
    "iptables",
    "ipset",
    "mount",
    "procps",
    "runc",
    "util-linux",
)


def folder(name: str, packages: Sequence[str]) -> Path:
    """The folder for a root file system with `packages`. Its name contains a digest of the list."""
    digest = hashlib.sha256("\n".join([SUITE, *packages]).encode()).hexdigest()[:12]
    return CACHE / "debian" / f"{name}-{digest}"


def bootstrap(name: str, packages: Sequence[str]) -> Path:
    """Create a tar of a minimal Debian with `packages` unless it is cached. Returns its path. Raises MachineError."""
    target = folder(name, packages).with_suffix(".tar")
    with alone(f"bootstrap-{target.name}"):
        if not target.exists():
            make_tar(name, packages, target)
    return target


def make_tar(name: str, packages: Sequence[str], target: Path) -> None:
    """Run mmdebstrap; the tar is there when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made = target.with_suffix(".part.tar")
    # Without a mirror argument mmdebstrap uses Debian's own, with the suite's updates and security updates.
    half_made.unlink(missing_ok=True)
    include = [f"--include={','.join(packages)}"] if packages else []
    run(
        f"bootstrap Debian {SUITE} for {name}",
        ["mmdebstrap", "--variant=minbase", *include, SUITE, half_made],
        log=f"bootstrap-{name}",
    )
    half_made.rename(target)


def unpacked(name: str, packages: Sequence[str]) -> Path:
    """Unpack that tar unless it is cached. Returns the folder."""
    tar = bootstrap(name, packages)
    root = folder(name, packages)
    with alone(f"unpack-{root.name}"):
        if not root.exists():
            half_made = root.with_suffix(".part")
            shutil.rmtree(half_made, ignore_errors=True)
            half_made.mkdir(parents=True)
            run(f"unpack {name}", ["tar", "-xpf", tar, "-C", half_made, "--exclude=./dev/*"], log=f"unpack-{name}")
            half_made.rename(root)
    return root


def node_root() -> Path:
    """The folder with the native node's root file system."""
    return unpacked("node", NODE_PACKAGES)
