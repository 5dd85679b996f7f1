"""Builds JLD's images with Docker or buildah.

The tag is a digest of the sources, so that only changed images are built.
"""

import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jlddev.support import debian_packages, rootfs
from jlddev.support.lock import alone
from jlddev.support.paths import CACHE, CHECKOUT, DEV_TOOLS, LOCAL
from jlddev.support.run import output, run, say

BASE = "docker.io/library/debian:trixie-slim"
REGISTRY = "localhost/jld"
CHART = CHECKOUT / "chart" / "Chart.yaml"
OVERLAY = LOCAL / "images.yaml"
FOLDERS = {name: CHECKOUT / "images" / name for name in ("hub", "lab", "lab-science", "nfs-server", "nginx")}
NODE_HELPER = DEV_TOOLS / "node" / "helper"


@dataclass(frozen=True)
class Image:
    """An image of JLD: its name, the folder with its Dockerfile, and the image of ours that it is built on, if any."""

    name: str
    folder: Path
    base: "Image | None" = None

    @property
    def reference(self) -> str:
        """Repository and tag."""
        return f"{REGISTRY}/{self.name}:{self.tag}"

    @property
    def tag(self) -> str:
        """It depends on the sources only, those of the base too, and is the same on every machine."""
        return content_tag(self.folder, self.base.tag if self.base else "")

    @property
    def alias(self) -> str:
        """Repository and a tag that does not depend on the sources: the release's version, or `1` for the helper."""
        return f"{REGISTRY}/{self.name}:{'1' if self.folder == NODE_HELPER else chart_version()}"


def content_tag(folder: Path, base: str = "") -> str:
    """A tag from the names, modes and contents of a folder's files, but for Python's caches, and the tag of the image below."""
    digest = hashlib.sha256(base.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        executable = path.stat().st_mode & 0o111
        digest.update(f"{path.relative_to(folder)}\0{bool(executable)}\0".encode())
        digest.update(path.read_bytes())
    return f"src-{digest.hexdigest()[:12]}"


def chart_images() -> list[Image]:
    """The images that the chart uses; each comes after the one it is built on."""
    lab = Image("lab", FOLDERS["lab"])
    others = [Image(name, FOLDERS[name]) for name in ("hub", "nfs-server", "nginx")]
    return [*others, lab, Image("lab-science", FOLDERS["lab-science"], lab)]


def node_helper() -> Image:
    """The native node's helper image: the pause process of pods, and the shell that creates the folders of volumes."""
    return Image("node-helper", NODE_HELPER)


def chart_version() -> str:
    """The chart's appVersion as the tag that a release's images carry. A tag takes no `+`: the chart asks for `_` there too."""
    import yaml

    return str(yaml.safe_load(CHART.read_text())["appVersion"]).replace("+", "_")


def values_overlay(images: Sequence[Image]) -> dict[str, object]:
    """Values with the tags of these images, for `jld values` to merge over a site file."""
    tags = {image.name: {"image": {"tag": image.tag}} for image in images}
    hub = {**tags["hub"], "lab": tags["lab-science"]}
    return {"hub": hub, "nginx": tags["nginx"], "storage": {**tags["hub"], "nfs": tags["nfs-server"]}}


class Docker:
    """Builds with a running Docker Engine."""

    name = "docker"

    def has(self, reference: str) -> bool:
        return (
            subprocess.run(["docker", "image", "inspect", reference], capture_output=True, check=False).returncode == 0
        )

    def prepare_base(self) -> None:
        """Where no registry can be reached, import a base image created from Debian's packages.

        Otherwise Docker pulls it.
        """
        if not self.has(BASE) and not registry_reachable():
            tar = rootfs.base_image()
            run("import the base image", ["docker", "import", tar, BASE], log="import-base")

    def build(self, image: Image) -> None:
        run(
            f"build image {image.name}",
            ["docker", "build", *base_argument(image), "-t", image.reference, image.folder],
            log=f"image-{image.name}",
        )

    def tag(self, reference: str, other: str) -> None:
        output(["docker", "tag", reference, other])

    def save(self, reference: str, target: Path) -> None:
        output(["docker", "save", "-o", target, reference])

    def push(self, reference: str) -> None:
        run(f"push {reference}", ["docker", "push", reference], log="push")

    def unpack(self, reference: str, folder: Path) -> None:
        """Write an image's root file system into an empty folder."""
        container = output(["docker", "create", reference]).strip()
        archive = folder.with_suffix(".tar")
        output(["docker", "export", "--output", archive, container])
        output(["docker", "rm", container])
        output(["tar", "-xpf", archive, "-C", folder])
        archive.unlink()


class Buildah:
    """Builds with buildah and a storage in the cache folder, without a daemon or the machine's configuration."""

    name = "buildah"

    def __init__(self) -> None:
        storage = CACHE / "buildah"
        self._buildah = [
            "buildah",
            "--root",
            str(storage / "root"),
            "--runroot",
            str(storage / "run"),
            "--storage-driver",
            "overlay",
        ]

    def has(self, reference: str) -> bool:
        command = [*self._buildah, "inspect", "--type", "image", reference]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def prepare_base(self) -> None:
        """Pull the base image. Where no registry can be reached, create it from Debian's packages under that name."""
        if self.has(BASE):
            return
        if registry_reachable():
            run("pull the base image", [*self._buildah, "pull", BASE], log="pull-base")
            return
        tar = rootfs.base_image()
        container = output([*self._buildah, "from", "scratch"]).strip()
        output([*self._buildah, "add", container, tar, "/"])
        output([*self._buildah, "commit", "--rm", container, BASE])

    def build(self, image: Image) -> None:
        isolation = ["--isolation", "chroot", "--pull-never", "--network", "host", "--layers"]
        options = [*package_client_mounts(), *base_argument(image)]
        run(
            f"build image {image.name}",
            [*self._buildah, "build", *isolation, *options, "-t", image.reference, image.folder],
            log=f"image-{image.name}",
        )

    def tag(self, reference: str, other: str) -> None:
        output([*self._buildah, "tag", reference, other])

    def save(self, reference: str, target: Path) -> None:
        target.unlink(missing_ok=True)
        output([*self._buildah, "push", reference, f"docker-archive:{target}:{reference}"])

    def push(self, reference: str) -> None:
        run(f"push {reference}", [*self._buildah, "push", reference], log="push")

    def unpack(self, reference: str, folder: Path) -> None:
        """Write an image's root file system into an empty folder."""
        container = output([*self._buildah, "from", "--pull-never", reference]).strip()
        try:
            mounted = output([*self._buildah, "mount", container]).strip()
            output(["cp", "-a", f"{mounted}/.", folder])
        finally:
            output([*self._buildah, "rm", container])


Builder = Docker | Buildah


def builder() -> Builder:
    """Docker if its engine runs, else buildah, which is installed if possible.

    Raises Unsupported when there is neither.
    """
    if docker_answers():
        return Docker()
    debian_packages.ensure(debian_packages.BUILDER, "building images without a Docker Engine")
    return Buildah()


def docker_answers() -> bool:
    """Whether a Docker Engine responds, not only whether the client is installed."""
    if shutil.which("docker") is None:
        return False
    try:
        done = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"], capture_output=True, check=False, timeout=20
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def registry_reachable() -> bool:
    """Whether Docker Hub can be reached by TCP."""
    try:
        socket.create_connection(("registry-1.docker.io", 443), timeout=3).close()
    except OSError:
        return False
    return True


def base_argument(image: Image) -> list[str]:
    """The option that tells a Dockerfile which image of ours to build on."""
    return ["--build-arg", f"BASE={image.base.reference}"] if image.base else []


def package_client_mounts() -> list[str]:
    """Options that mount this machine's own CA bundle for pip and npm inside a build; empty where it has none."""
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    if not bundle or not Path(bundle).exists():
        return []
    folder = CACHE / "package-clients"
    folder.mkdir(parents=True, exist_ok=True)
    inside = "/run/package-clients/ca.crt"
    (folder / "pip.conf").write_text(f"[global]\ncert = {inside}\n")
    (folder / "npmrc").write_text(f"cafile={inside}\n")
    mounts = {Path(bundle): inside, folder / "pip.conf": "/etc/pip.conf", folder / "npmrc": "/root/.npmrc"}
    return [word for source, target in mounts.items() for word in ("--volume", f"{source}:{target}:ro")]


@alone("images")
def build(images: Sequence[Image]) -> Builder:
    """Build images that are not built yet, and tag each with its alias. Returns the builder. Raises MachineError."""
    chosen = builder()
    missing = [image for image in images if not chosen.has(image.reference)]
    if missing:
        say(f"images are built with {chosen.name}: {', '.join(image.name for image in missing)}")
        chosen.prepare_base()
    for image in missing:
        chosen.build(image)
    for image in images:
        chosen.tag(image.reference, image.alias)
    return chosen


def write_overlay(images: Sequence[Image]) -> Path:
    """Write `.jld/images.yaml`: values with the tags of these images. Returns its path."""
    import yaml

    LOCAL.mkdir(exist_ok=True)
    OVERLAY.write_text(yaml.safe_dump(values_overlay(images)))
    return OVERLAY
