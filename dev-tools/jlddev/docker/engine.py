"""Debian's Docker Engine in namespaces and cgroups of its own: nothing of this machine's configuration, and nothing is left of it."""

import shlex
import shutil
import subprocess
import time
from pathlib import Path

from jlddev.clusters import cgroups, leftovers, namespaces
from jlddev.support import rootfs
from jlddev.support.errors import MachineError
from jlddev.support.paths import CACHE, DEV_TOOLS
from jlddev.support.run import output, say, tail

PACKAGES = (
    "ca-certificates",
    "catatonit",
    "docker.io",
    "docker-cli",
    "iproute2",
    "iptables",
    "kmod",
    "mount",
    "procps",
    "util-linux",
)


class Engine(namespaces.Holder):
    """The engine. Its address is in 198.18.0.0/15, which RFC 2544 reserves for benchmarks, so that it is no real network."""

    what = "The Docker Engine"
    remedy = "start it with `jlddev.docker.engine`'s `up`"
    name = "jld-engine"
    folder = CACHE / "engine"
    address = "198.18.2.2"
    gateway = "198.18.2.1"
    link = "jld-engine"  # the end of its cable on this machine

    @property
    def state(self) -> Path:
        """Images, containers and logs."""
        return self.folder / "state"

    @property
    def programs(self) -> Path:
        """A folder with a `docker` that talks to this engine."""
        return self.folder / "bin"


ENGINE = Engine()


def up(seconds: float = 60.0) -> None:
    """Start the engine unless it runs, and wait until it answers. Raises MachineError."""
    if ENGINE.runs():
        return
    down()
    root = rootfs.unpacked("engine", PACKAGES)
    say("start a Docker Engine in namespaces of its own")
    ENGINE.state.mkdir(parents=True, exist_ok=True)
    script: list[str | Path] = ["/bin/sh", DEV_TOOLS / "engine" / "enter.sh", root, ENGINE.state, ENGINE.name]
    inside = ENGINE.start([*script, ENGINE.address, ENGINE.gateway, *cgroups.hierarchies()])
    output(["ip", "link", "add", ENGINE.link, "type", "veth", "peer", "name", "eth0", "netns", str(inside)])
    output(["ip", "addr", "add", f"{ENGINE.gateway}/30", "dev", ENGINE.link])
    output(["ip", "link", "set", ENGINE.link, "up"])
    _write_client()
    _wait(seconds)


def _write_client() -> None:
    """A program `docker` for kind and for people, which runs the engine's own client beside it."""
    ENGINE.programs.mkdir(parents=True, exist_ok=True)
    program = ENGINE.programs / "docker"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(ENGINE.enter("mount", "net"))} docker "$@"\n')
    program.chmod(0o755)


def _wait(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    ask = [str(ENGINE.programs / "docker"), "info", "--format", "{{.ServerVersion}} {{.CgroupVersion}}"]
    # Without a server it prints an empty version and ends well.
    while not (done := subprocess.run(ask, capture_output=True, text=True, check=False)).stdout.strip():
        if not ENGINE.runs():
            raise MachineError(f"The Docker Engine stopped. The end of {ENGINE.log}:\n{tail(ENGINE.log)}")
        if time.monotonic() > deadline:
            raise MachineError(
                f"The Docker Engine does not answer after {seconds:.0f} s: {done.stderr.strip()}. Its log: {ENGINE.log}"
            )
        time.sleep(0.3)
    version, groups = done.stdout.split()
    say(f"the Docker Engine {version} answers, with cgroup v{groups}")


def down() -> None:
    """Stop the engine and all its containers, and delete what they wrote. Raises MachineError where something is left."""
    process = ENGINE.process()
    network = leftovers.network_of(process.pid) if process and process.runs() else None
    if process is not None:
        process.end()
    ENGINE.record.unlink(missing_ok=True)
    subprocess.run(["ip", "link", "del", ENGINE.link], capture_output=True, check=False)
    cgroups.remove_all(ENGINE.name)
    shutil.rmtree(ENGINE.folder, ignore_errors=True)
    leftovers.wait_until_gone(ENGINE.link, ENGINE.folder, network, ENGINE.name)
