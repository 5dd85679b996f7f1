"""An emulated machine as today's distributions make them: Debian's kernel, with cgroup v2 alone."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jlddev.clusters import guest, native, programs
from jlddev.images import build
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from jlddev.support.paths import BIN, CACHE, DEV_TOOLS
from jlddev.support.run import output
from jlddev.tools import helm_and_kubectl

CONTENTS = guest.Contents(
    "machine",
    (*guest.BASE, "procps", "python3-trustme", "python3-yaml", "util-linux"),
    ("virtio_net", "virtio_blk", "ext4", "overlay", "veth", "bridge", "br_netfilter"),
    ("kernel/net/netfilter", "kernel/net/ipv4/netfilter"),
)
DISK_GIB = 16  # sparse; JLD asks for 12


@pytest.fixture(scope="package")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk with the checkout's tools, and what `make up` has built before it starts the node."""
    if os.geteuid() != 0:
        pytest.skip("the root file system of a node is root's: run the tests as root")
    try:
        debian_packages.ensure({**debian_packages.NATIVE, "mke2fs": "e2fsprogs"}, "the emulated machine")
        programs.require_go()
        helm_and_kubectl.fetch()
        built = native.build()
        helper = build.node_helper()
        builder = build.build([helper])
    except Unsupported as reason:
        pytest.skip(str(reason))
    tree, image = CACHE / "machine", tmp_path_factory.mktemp("machine") / "disk.img"
    shutil.rmtree(tree, ignore_errors=True)  # of a run that was killed
    for path in (built.programs, built.nfs_client.parent, built.root):
        target = tree / "cache" / path.relative_to(CACHE)
        target.parent.mkdir(parents=True, exist_ok=True)
        output(["cp", "--archive", "--link", path, target])
    (tree / "cache" / built.root.relative_to(CACHE).with_suffix(".tar")).touch()  # of which it was unpacked
    (tree / "cache" / "bin").mkdir()
    shutil.copy(BIN / "kubectl", tree / "cache" / "bin" / "kubectl")
    shutil.copytree(DEV_TOOLS, tree / "checkout" / "dev-tools", ignore=shutil.ignore_patterns("__pycache__"))
    builder.save(helper.reference, tree / "node-helper.tar")
    output(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", tree, image, f"{DISK_GIB}G"])
    shutil.rmtree(tree)
    yield image
    image.unlink()


@pytest.fixture(scope="package")
def machine(
    disk: Path, tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]
) -> Iterator[guest.Guest]:
    try:
        system = guest.prepare(CONTENTS)
    except Unsupported as reason:
        pytest.skip(str(reason))
    drive = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    made = guest.Guest(
        system,
        tmp_path_factory.mktemp("guest"),
        "machine",
        ["user,restrict=on", "10.0.2.15/24"],
        machine=["-m", "3072", "-smp", "2", *drive],
        priority=0,
    )
    kernel = made.wait()
    made.run("mkdir", "-p", "/jld", "/root/.cache/jld")
    made.run("mount", "/dev/vda", "/jld")
    made.run("mount", "--bind", "/jld/cache", "/root/.cache/jld")
    describe_level("machine", f"a QEMU guest with Linux {kernel}, cgroup v2 alone, without systemd")
    yield made
    made.end()
