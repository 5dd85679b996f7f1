"""Installs the Debian packages that the harness needs, or names them where it cannot install them."""

import os
import shutil
from collections.abc import Mapping, Sequence

from jlddev.support.errors import Unsupported
from jlddev.support.lock import alone
from jlddev.support.run import run, say

APT = ("apt-get", "--option", "DPkg::Lock::Timeout=300")  # seconds: another installation may be under way
# program on PATH -> Debian package
BUILDER = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}
NATIVE = {
    **BUILDER,
    "ip": "iproute2",
    "nsenter": "util-linux",
    "socat": "socat",
}
# A page takes half the processor time that it takes in the whole Chromium.
BROWSER = {"chromium-headless-shell": "chromium-headless-shell"}
ALERTS = {"promtool": "prometheus"}
TLS = {"testssl": "testssl.sh"}
POSTGRESQL = {"pg_ctlcluster": "postgresql"}


def ensure(programs: Mapping[str, str], purpose: str) -> None:
    """Install the Debian packages of programs that are not on PATH. `programs` maps a program to its package.

    Raises Unsupported, with the command to type, where this is not Debian or the user is not root.
    """
    require(programs, purpose)
    if not missing(programs):
        return
    with alone("debian-packages"):
        if packages := missing(programs):  # nobody else installed them meanwhile
            install(packages, purpose)


def require(programs: Mapping[str, str], purpose: str) -> None:
    """Raises Unsupported, with the command to type, when programs are missing that `ensure` cannot install."""
    if (packages := missing(programs)) and (os.geteuid() != 0 or shutil.which("apt-get") is None):
        words = " ".join(packages)
        raise Unsupported(f"{purpose} needs {words}: install them (Debian: sudo apt-get install {words}) and repeat.")


def missing(programs: Mapping[str, str]) -> list[str]:
    """The packages of those programs that are not there."""
    return sorted({package for program, package in programs.items() if shutil.which(program) is None})


def install(packages: Sequence[str], purpose: str) -> None:
    """Install packages with apt-get."""
    words = " ".join(packages)
    say(f"{purpose} needs Debian packages: {words}")
    # RUNLEVEL=1 keeps a package from starting its service on this machine.
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    run("update Debian's package lists", [*APT, "update"], log="apt-update", env=env)
    command = [*APT, "install", "--yes", "--no-install-recommends", *packages]
    run(f"install {words}", command, log="apt-install", env=env)
