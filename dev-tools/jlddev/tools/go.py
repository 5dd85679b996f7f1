"""Go, which compiles Kubernetes and other programs: that on PATH if it is new enough, else a pinned toolchain.

The toolchain is the module `golang.org/toolchain` of the Go module proxy, from which Go itself takes newer versions of itself.
"""

import hashlib
import os
import platform
import re
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.lock import alone
from jlddev.support.paths import CACHE
from jlddev.support.run import output, say

OLDEST = "1.26"
VERSION = "1.26.8"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SHA256 = {
    "amd64": "30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7",
    "arm64": "02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99",
}
MODULE = "golang.org/toolchain"
SECONDS = 10.0  # for one small answer of the proxy


def require(purpose: str, instead: str = "") -> None:
    """Raises Unsupported, within seconds, when there is no Go here and the toolchain cannot be had.

    `purpose` is a sentence without its end, `instead` what helps besides.
    """
    if on_path() is None and not toolchain().exists() and (reason := _out_of_reach()):
        raise Unsupported(f"{purpose}, and {reason}: install Go {OLDEST} or newer{instead}.")


def program() -> Path:
    """The go program. Downloads the toolchain unless one is there. Raises Unsupported and MachineError."""
    return on_path() or _downloaded()


def on_path() -> Path | None:
    """The go on PATH if it is new enough."""
    found = shutil.which("go")
    if found is None:
        return None
    version = output([found, "env", "GOVERSION"]).strip()
    return Path(found) if minor_version(version.removeprefix("go")) >= minor_version(OLDEST) else None


def minor_version(version: str) -> tuple[int, ...]:
    """`1.26.8` and `1.26rc1` as (1, 26): major and minor version. () for a text that is no version."""
    match = re.match(r"([0-9]+)\.([0-9]+)", version)
    return (int(match[1]), int(match[2])) if match else ()


def toolchain() -> Path:
    """Where the go program of the toolchain is once it was downloaded."""
    return CACHE / f"go-{VERSION}" / "bin" / "go"


def proxies() -> list[str]:
    """The addresses of module proxies, from GOPROXY of the environment or of an older Go, which knows the public one."""
    named = os.environ.get("GOPROXY", "")
    if not named and (older := shutil.which("go")):
        named = output([older, "env", "GOPROXY"]).strip()
    return [each.rstrip("/") for each in re.split("[,|]", named) if "://" in each]


def _out_of_reach() -> str | None:
    """Why the toolchain cannot be downloaded, as the end of a sentence. None when its proxy answers."""
    older = shutil.which("go")
    lacking = f"{output([older, 'env', 'GOVERSION']).strip()} is too old for it" if older else "there is no Go"
    try:
        _ask("info", SECONDS)
    except Unsupported as reason:
        return f"{lacking} ({reason})"
    return None


@alone("go")
def _downloaded() -> Path:
    target = toolchain()
    if target.exists():
        return target
    say(f"download Go {VERSION} ...")
    content = _ask("zip", 600)
    digest, wanted = hashlib.sha256(content).hexdigest(), SHA256[_architecture()]
    if digest != wanted:
        raise MachineError(f"Go {VERSION} has sha256 {digest}, not {wanted}: the module was changed; do not use it.")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:  # on the same file system, so that the rename is atomic
        archive = Path(scratch, "go.zip")
        archive.write_bytes(content)
        with zipfile.ZipFile(archive) as members:
            members.extractall(scratch)
        (root,) = Path(scratch).glob(f"{MODULE}@*")
        for folder in ("bin", "pkg/tool"):
            for file in (root / folder).rglob("*"):
                file.chmod(0o755)  # a module's archive has no modes
        root.rename(target.parents[1])
    return target


def _ask(kind: str, seconds: float) -> bytes:
    """The proxies' answer about the toolchain. Raises Unsupported when none of them has it."""
    addresses = proxies()
    if not addresses:
        raise Unsupported("GOPROXY names no module proxy, from which JLD would take one")
    for address in addresses:
        question = f"{address}/{MODULE}/@v/v0.0.1-go{VERSION}.linux-{_architecture()}.{kind}"
        try:
            with urllib.request.urlopen(question, timeout=seconds) as answer:  # noqa: S310 - https, or what GOPROXY names
                return bytes(answer.read())
        except (OSError, ValueError) as error:  # URLError is an OSError
            # Not the address, which may hold a password.
            why = error.reason if isinstance(error, urllib.error.URLError) else type(error).__name__
    raise Unsupported(f"the module proxy, from which JLD takes a newer one, does not give it: {why}")


def _architecture() -> str:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise Unsupported(f"JLD knows no toolchain for {machine}")
    return ARCHITECTURES[machine]
