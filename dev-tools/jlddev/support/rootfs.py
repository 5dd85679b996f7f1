"""Root file systems from Debian's packages, cached by their list of packages."""

import hashlib
import shlex
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

# As in Debian's own image: apt-get in a Dockerfile leaves neither the packages nor its caches, some 120 MB, in a layer.
LEAVE_NOTHING = (
    'APT::Keep-Downloaded-Packages "false";',
    'Dir::Cache::pkgcache "";',
    'Dir::Cache::srcpkgcache "";',
)


def folder(name: str, packages: Sequence[str], apt: Sequence[str] = (), suite: str = SUITE) -> Path:
    """The folder for a root file system with `packages` and lines for apt. Its name contains a digest of the list."""
    digest = hashlib.sha256("\n".join([suite, *packages, *apt]).encode()).hexdigest()[:12]
    return CACHE / "debian" / f"{name}-{digest}"


def base_image() -> Path:
    """A tar of what images are built on where Debian's own image cannot be pulled. Raises MachineError."""
    return bootstrap("base", (), LEAVE_NOTHING)


def bootstrap(name: str, packages: Sequence[str], apt: Sequence[str] = (), suite: str = SUITE) -> Path:
    """Create a tar of a minimal Debian with `packages` unless it is cached. Returns its path. Raises MachineError."""
    target = folder(name, packages, apt, suite).with_suffix(".tar")
    with alone(f"bootstrap-{target.name}"):
        if not target.exists():
            make_tar(name, packages, apt, suite, target)
    return target


def make_tar(name: str, packages: Sequence[str], apt: Sequence[str], suite: str, target: Path) -> None:
    """Run mmdebstrap; the tar is there when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made = target.with_suffix(".part.tar")
    # Without a mirror argument mmdebstrap uses Debian's own, with the suite's updates and security updates.
    half_made.unlink(missing_ok=True)
    include = [f"--include={','.join(packages)}"] if packages else []
    lines = " ".join(map(shlex.quote, apt))
    # mmdebstrap's own last cleaning asks the same file where the caches are, and would leave them.
    write = f'rm -f "$1"/var/cache/apt/*.bin; printf "%s\\n" {lines} > "$1/etc/apt/apt.conf.d/jld"'
    configure = [f"--customize-hook={write}"] if apt else []
    run(
        f"bootstrap Debian {suite} for {name}",
        ["mmdebstrap", "--variant=minbase", *include, *configure, suite, half_made],
        log=f"bootstrap-{name}",
    )
    half_made.rename(target)


def unpacked(name: str, packages: Sequence[str], suite: str = SUITE) -> Path:
    """Unpack that tar unless it is cached. Returns the folder."""
    tar = bootstrap(name, packages, suite=suite)
    root = folder(name, packages, suite=suite)
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
