#!/usr/bin/python3
"""Process 1 of an emulated guest: loads modules, configures the network, and runs commands from the virtio port.

Each command runs in a thread of its own, so that one that hangs on the server does not block the others.

A command is one line of JSON: {"id": 1, "run": ["ls", "/mnt"], "input": ""}. Its response is one line too, with id,
code, out and err. The first response, with id 0, says that the guest is ready.
"""

import json
import os
import subprocess
import sys
import threading
import time
from io import FileIO
from pathlib import Path
from typing import Any

MOUNTS = {
    "/proc": "proc",
    "/sys": "sysfs",
    "/sys/fs/cgroup": "cgroup2",
    "/dev": "devtmpfs",
    "/tmp": "tmpfs",  # noqa: S108
    "/run": "tmpfs",
}
KERNEL = Path("/proc/sys/kernel")
PORT = "/dev/vport0p1"


def prepare() -> None:
    """Mount file systems, load modules and configure the network, as a distribution's init would."""
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    # The first of all file systems cannot be left by pivot_root, as a container or a node wants to: it is mounted over itself.
    subprocess.run(["mount", "--bind", "/", "/mnt"], check=True)
    os.chdir("/mnt")
    subprocess.run(["mount", "--move", ".", "/"], check=True)
    os.chroot(".")
    for target, kind in MOUNTS.items():
        Path(target).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", kind, kind, target], check=True)
    words = Path("/proc/cmdline").read_text().split()
    options = dict(word.split("=", 1) for word in words if word.startswith("jld."))
    for module in options["jld.modules"].split(","):
        subprocess.run(["modprobe", module], check=True)
    (KERNEL / "hostname").write_text(options["jld.name"])
    commands = ["link set lo up", f"addr add {options['jld.address']} dev eth0", "link set eth0 up"]
    if gateway := options.get("jld.gateway"):
        commands.append(f"route add default via {gateway}")
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)


class Port:
    """The virtio port to the test process."""

    def __init__(self) -> None:
        self._file = FileIO(PORT, "r+")
        self._lock = threading.Lock()

    def send(self, number: int, code: int, out: str, err: str) -> None:
        data = json.dumps({"id": number, "code": code, "out": out, "err": err}).encode() + b"\n"
        with self._lock:
            while data:
                data = data[self._file.write(data) :]

    def serve(self) -> None:
        """Run incoming commands, without end."""
        rest = b""
        while True:
            data = self._file.read(65536)
            if not data:  # the other end is not open
                time.sleep(0.1)
                continue
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                threading.Thread(target=self._run, args=(json.loads(line),), daemon=True).start()

    def _run(self, request: dict[str, Any]) -> None:
        try:
            done = subprocess.run(request["run"], input=request["input"], capture_output=True, text=True, check=False)
        except OSError as error:
            self.send(request["id"], 127, "", str(error))
        else:
            self.send(request["id"], done.returncode, done.stdout, done.stderr)


def main() -> None:
    prepare()
    port = Port()
    port.send(0, 0, (KERNEL / "osrelease").read_text().strip(), "")
    port.serve()


if __name__ == "__main__":
    try:
        main()
    finally:
        print("guest: its process 1 ended", file=sys.stderr, flush=True)
        time.sleep(2)  # until the message is on the console: the kernel panics when process 1 ends
