"""Where the server and its clients meet: a network of their own, a small disk, and the server from its image."""

import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from jlddev.clusters.guest import PATIENCE, Done, Guest, System
from jlddev.support.errors import MachineError
from jlddev.support.process import child_of
from jlddev.support.run import output, tail

PROGRAMS = {"ip": "iproute2", "mke2fs": "e2fsprogs", "mkfs.xfs": "xfsprogs", "nsenter": "util-linux"}
# Room for many small files.
EXT4 = ("mke2fs", "-q", "-t", "ext4", "-m", "0", "-i", "4096")
XFS = ("mkfs.xfs", "-q")
ADDRESS = "10.99.0.1"
CLONE_NEWNET = 0x40000000  # <sched.h>
# The chart's: docs/nfs-server.md gives the reason of each.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "SETGID", "SETUID")
MOUNT_OPTIONS = "nfsvers=4.2,proto=tcp,hard,timeo=50,retrans=2,noresvport"
SETTINGS = {
    "exports": {
        "home": {"mode": "0755", "readOnly": False},
        "scratch": {"mode": "1777", "readOnly": False},
        "software": {"mode": "0755", "readOnly": True},
        "project": {"mode": "0777", "readOnly": False, "squash": "root"},
    },
    "clients": ["10.99.0.0/28"],
    "gracePeriod": 6,
    "leaseLifetime": 6,
}


class Place:
    """Network and mount namespaces with a bridge and a disk; all of it ends with one process."""

    def __init__(self, folder: Path, file_system: Sequence[str] = EXT4, megabytes: int = 1024) -> None:
        self.folder = folder
        disk, volume = folder / "disk.img", folder / "volume"
        volume.mkdir()
        with disk.open("wb") as file:
            file.truncate(megabytes * 2**20)
        output([*file_system, disk])
        self._process = subprocess.Popen(
            ["unshare", "--net", "--mount", "sleep", "infinity"], stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.enter = ["nsenter", "--target", str(self._process.pid), "--net", "--mount", "--"]
        self._wait_for_namespaces()
        self.inside("mount", "-o", "loop", str(disk), str(volume))
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "link", "add", "bridge", "type", "bridge")
        self.inside("ip", "addr", "add", f"{ADDRESS}/24", "dev", "bridge")
        self.inside("ip", "link", "set", "bridge", "up")
        self.volume = Path(f"/proc/{self._process.pid}/root{volume}")
        self._disk, self._volume_inside = disk, volume
        self._guests: list[Guest] = []

    def inside(self, *words: str) -> str:
        return output([*self.enter, *words])

    def connect(self, source: str, server: str = ADDRESS) -> socket.socket:
        """A connection to an NFS server from an address of the bridge, which is there from then on."""
        self.inside("ip", "addr", "replace", f"{source}/24", "dev", "bridge")
        made: list[socket.socket] = []

        def dial() -> None:
            # A thread may have a network namespace of its own, and a socket has that of the thread which made it.
            descriptor = os.open(f"/proc/{self._process.pid}/ns/net", os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                made.append(socket.create_connection((server, 2049), timeout=60, source_address=(source, 0)))
            finally:
                os.close(descriptor)

        thread = threading.Thread(target=dial)
        thread.start()
        thread.join()
        (connection,) = made  # the thread's traceback says why there is none
        return connection

    def move_disk(self) -> tuple[int, int]:
        """Mount the disk as another device, as on another node; nobody may use it meanwhile. The numbers before and after."""
        before = self.volume.stat().st_dev
        device = self.inside("losetup", "--find", "--show", str(self._disk)).strip()
        self.inside("umount", str(self._volume_inside))
        self.inside("mount", device, str(self._volume_inside))
        self.inside("losetup", "--detach", device)  # when it is unmounted
        return before, self.volume.stat().st_dev

    def guest(self, system: System, name: str, address: str) -> Guest:
        """Start a guest with a network interface on the bridge."""
        tap = f"tap-{name}"
        self.inside("ip", "tuntap", "add", "dev", tap, "mode", "tap")
        self.inside("ip", "link", "set", tap, "master", "bridge", "up")
        network = f"tap,ifname={tap},script=no,downscript=no"
        guest = Guest(system, self.folder, name, [network, f"{address}/24"], self.enter)
        self._guests.append(guest)
        return guest

    def server(self, root: Path, settings: Mapping[str, object], log: str = "server.log") -> "Server":
        """A server, not yet started."""
        folder = self.folder / "settings"
        folder.mkdir(exist_ok=True)
        (folder / "nfs.yaml").write_text(yaml.safe_dump(dict(settings)))
        script = ["sh", Path(__file__).parent / "enter.sh", root, self._volume_inside, folder]
        capabilities = ",".join(f"+{name.lower()}" for name in CAPABILITIES)
        return Server(self.enter, [*script, capabilities], self.folder / log, folder / "nfs.yaml")

    def end(self) -> None:
        for guest in self._guests:
            guest.end()
        self._process.kill()
        self._process.wait()

    def _wait_for_namespaces(self, seconds: float = 10.0) -> None:
        """`unshare` runs another program once it has made them."""
        deadline = time.monotonic() + seconds
        while Path(f"/proc/{self._process.pid}/comm").read_text().strip() != "sleep":
            if time.monotonic() > deadline:
                raise MachineError("unshare made no namespaces")
            time.sleep(0.02)


class Server:
    """The NFS server's container, as process 1 of its own PID namespace."""

    def __init__(self, enter: Sequence[str], script: Sequence[str | Path], log: Path, settings: Path) -> None:
        self._enter, self._script = enter, [str(word) for word in script]
        self.log, self.settings = log, settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; return when it listens."""
        namespaces = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL"]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [*self._enter, "unshare", *namespaces, "--", *self._script],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self._wait_for_port()

    def stop(self) -> int:
        """End it as Kubernetes does, and return its exit code."""
        return self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pid(self) -> int:
        """Ganesha's process, below the one that made its namespaces."""
        assert self._process is not None
        return child_of(self._process.pid)

    def _signal(self, number: signal.Signals) -> int:
        assert self._process is not None
        subprocess.run(["kill", f"-{number.value}", str(self.pid())], check=True)
        return self._process.wait(60)

    def _wait_for_port(self, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        ask = [*self._enter, "sh", "-c", "ss -Hltn sport = :2049 | grep -q LISTEN"]
        while subprocess.run(ask, check=False).returncode:
            if not self.runs() or time.monotonic() > deadline:
                raise MachineError(f"The NFS server does not listen:\n{tail(self.log)}")
            time.sleep(0.05)


def mount(guest: Guest, export: str, target: str = "", *own: str) -> Done:
    """Mount an export in a guest as a node does it, by default on /mnt/EXPORT, with options of its own too."""
    target = target or f"/mnt/{export}"
    guest.run("mkdir", "-p", target)
    options = ",".join((MOUNT_OPTIONS, *own))
    return guest.start("mount", "-t", "nfs", "-o", options, f"{ADDRESS}:/{export}", target).result(PATIENCE)


def program(name: str) -> str:
    """The text of a program that runs in the guests, with `opened` as a module that it imports."""
    opened, text = ((Path(__file__).parent / "programs" / f"{each}.py").read_text() for each in ("opened", name))
    module = "import sys, types\nsys.modules['opened'] = types.ModuleType('opened')\n"
    return f"{module}exec({opened!r}, vars(sys.modules['opened']))\n{text}"
