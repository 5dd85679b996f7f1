"""Emulated machines with Debian's kernel, for features that this machine's kernel lacks, such as an NFS client.

QEMU boots the kernel directly, without KVM, with the whole system in the initial RAM disk. A program inside
(`dev-tools/guest/init.py`) runs the commands that it reads from a virtio port.
"""

import hashlib
import itertools
import json
import os
import platform
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jlddev.support import debian_packages, rootfs
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.lock import alone
from jlddev.support.paths import CACHE, DEV_TOOLS
from jlddev.support.run import say, tail

PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
}
PATIENCE = 180.0  # seconds for what takes a guest one: it is emulated, and others compute beside it
INIT = DEV_TOOLS / "guest" / "init.py"
LEFT_OUT = (  # folders of the root file system that a guest does not read
    "boot",
    "usr/lib/modules",
    "usr/lib/udev",
    "usr/lib/systemd",
    "usr/share",
    "usr/include",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/cache",
)


@dataclass(frozen=True)
class Contents:
    """What a kind of guest has besides the kernel: Debian's packages, and modules, which it loads when it starts."""

    name: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    folders: tuple[str, ...] = ()  # of modules that the kernel loads when something asks for them


BASE = ("iproute2", "kmod", "linux-image-cloud-amd64", "mount", "python3")
NFS_CLIENT = Contents("guest", (*BASE, "nfs-common"), ("virtio_net", "nfsv4"))


@dataclass(frozen=True)
class System:
    """The kernel and the initial RAM disk that a guest boots."""

    kernel: Path
    disk: Path
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """Exit code and output of a command inside a guest."""

    code: int
    out: str
    err: str


@alone("guest")
def prepare(contents: Contents = NFS_CLIENT) -> System:
    """Build the kernel and the RAM disk unless they are cached.

    Raises Unsupported on a machine that cannot run them.
    """
    if platform.machine() != "x86_64":
        raise Unsupported(f"The emulated guests are for x86_64, and this machine is {platform.machine()}.")
    debian_packages.ensure(PROGRAMS, "the emulated guests")
    root = rootfs.unpacked(contents.name, contents.packages)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    sources = [INIT.read_bytes(), Path(__file__).read_bytes(), repr(contents).encode()]
    digest = hashlib.sha256(b"\0".join(sources)).hexdigest()[:12]
    disk = CACHE / "debian" / f"{root.name}-{digest}.cpio"
    if not disk.exists():
        say(f"pack the guests' RAM disk into {disk}")
        for old in disk.parent.glob(f"{root.name}-*.cpio"):
            old.unlink()
        half_made = disk.with_suffix(".part")
        write_archive(half_made, root, contents)
        half_made.rename(disk)
    return System(kernel, disk, contents.modules)


def write_archive(target: Path, root: Path, contents: Contents) -> None:
    """Write the RAM disk: a root file system with process 1 (`INIT`) and modules.

    The format is cpio "newc", see Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
    """
    (modules,) = (root / "usr" / "lib" / "modules").iterdir()
    wanted = [
        modules / name
        for name in (*needed_modules(modules, contents), "modules.dep", "modules.dep.bin", "modules.alias.bin")
    ]
    wanted += [
        modules / f"modules.{name}" for name in ("symbols.bin", "builtin.bin", "builtin.modinfo", "order", "softdep")
    ]
    folders = {folder for path in wanted for folder in path.relative_to(root).parents if str(folder) != "."}
    extra = [*(root / folder for folder in sorted(folders)), *(path for path in wanted if path.exists())]
    with target.open("wb") as out:
        for number, path in enumerate(itertools.chain(members(root), extra), 1):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                data = str(path.readlink()).encode()
            else:
                data = path.read_bytes() if stat.S_ISREG(mode) else b""
            out.write(cpio_entry(str(path.relative_to(root)), mode, data, number))
        out.write(cpio_entry("init", 0o100755, INIT.read_bytes(), 1_000_000))
        out.write(cpio_entry("TRAILER!!!", 0, b"", 0))


def members(root: Path) -> Iterator[Path]:
    """Files, links and folders of a root file system, parents first, without the folders in LEFT_OUT."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(name for name in names if str((here / name).relative_to(root)) not in LEFT_OUT)
        yield from (here / name for name in [*names, *sorted(files)])


def needed_modules(modules: Path, contents: Contents) -> list[str]:
    """The files of a guest's modules and their dependencies, relative to `modules`."""
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, others = line.partition(":")
        needs[file] = [file, *others.split()]
    loaded = {name for name in needs if Path(name).name.split(".")[0] in contents.modules}
    asked = {name for name in needs if name.startswith(tuple(f"{each}/" for each in contents.folders))}
    return sorted({file for name in loaded | asked for file in needs[name]})


def cpio_entry(name: str, mode: int, data: bytes, number: int) -> bytes:
    """One member of the archive, owned by root. `number` is its inode number."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


class Guest:
    """One emulated machine, in the network namespace of another process."""

    def __init__(
        self,
        system: System,
        folder: Path,
        name: str,
        network: Sequence[str],
        enter: Sequence[str] = (),
        machine: Sequence[str] = ("-m", "768", "-smp", "2"),
        priority: int = -15,
    ) -> None:
        """Start QEMU with its log and socket in `folder`. `enter` is the command prefix that enters a namespace.

        `network` is QEMU's `-netdev` value, the guest's address with a prefix length, and further kernel parameters; `machine`
        are further options of QEMU: memory, processors, disks. `priority` is nice(1)'s: a client of NFS has deadlines, such as a lease's, that what
        computes beside it has not. Raises MachineError.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.log = name, folder / f"{name}.log"
        control = folder / f"{name}.sock"
        control.unlink(missing_ok=True)
        netdev, address, *more = network
        # What protects a kernel from its programs costs an emulated one a sixth of its speed.
        words = ["console=ttyS0", "quiet", "panic=-1", "mitigations=off", f"jld.name={name}", f"jld.address={address}"]
        words += more
        words.append(f"jld.modules={','.join(system.modules)}")
        command = [
            *enter,
            *("nice", "-n", str(priority)),
            "qemu-system-x86_64",
            *("-accel", "tcg,thread=multi", "-cpu", "max,la57=off,smap=off,smep=off", *machine),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
            *("-kernel", str(system.kernel), "-initrd", str(system.disk), "-append", " ".join(words)),
            *("-chardev", f"socket,id=control,path={control},server=on,wait=off"),
            *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=control,name=jld"),
            *("-netdev", f"{netdev},id=net", "-device", f"virtio-net-pci,netdev=net,mac={mac(name)}"),
            *("-device", "virtio-rng-pci"),
        ]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Done]] = {0: Future()}
        self._lock = threading.Lock()
        self._socket = self._connect(control)
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, seconds: float = 300.0) -> str:
        """Return the kernel's release when the guest is ready. Raises MachineError after `seconds`."""
        try:
            return self._waiting[0].result(seconds).out
        except TimeoutError as error:
            raise MachineError(f"Guest {self.name} does not answer after {seconds:.0f} s:\n{tail(self.log)}") from error

    def start(self, *words: str, text: str = "") -> Future[Done]:
        """Start a command, with `text` as its standard input."""
        future: Future[Done] = Future()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = future
            self._socket.sendall(json.dumps({"id": number, "run": words, "input": text}).encode() + b"\n")
        return future

    def run(self, *words: str, text: str = "", seconds: float = 120.0) -> str:
        """Run a command to its end and return its output; raises MachineError when it fails."""
        done = self.start(*words, text=text).result(seconds)
        if done.code:
            raise MachineError(
                f"Guest {self.name}: {' '.join(words)[:200]} ended with {done.code}: {done.out}{done.err}"
            )
        return done.out

    def python(self, program: str, *words: str) -> Future[Done]:
        """Start a Python program."""
        return self.start("python3", "-c", program, *words)

    def wait_for(self, file: str, maker: Future[Done], seconds: float = PATIENCE) -> None:
        """Return when a file exists in the guest. Raises MachineError when the command that makes it ends before."""
        found = self.start("sh", "-c", 'until test -e "$0"; do sleep 0.1; done', file)
        done, _ = wait([found, maker], timeout=seconds, return_when=FIRST_COMPLETED)
        if found not in done:
            why = maker.result() if maker in done else f"nothing after {seconds:.0f} s"
            kernel = self.run("dmesg").splitlines()[-20:]
            raise MachineError("\n".join([f"Guest {self.name} does not make {file}: {why}", *kernel]))
        found.result()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._socket.close()

    def _connect(self, control: Path, seconds: float = 20.0) -> socket.socket:
        deadline = time.monotonic() + seconds
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(control))
                return connection
            except OSError as error:
                connection.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise MachineError(f"QEMU did not start guest {self.name}:\n{tail(self.log)}") from error
                time.sleep(0.05)

    def _listen(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                response: dict[str, Any] = json.loads(line)
                future = self._waiting.get(response.pop("id"))
                if future is not None:
                    future.set_result(Done(**response))
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(MachineError(f"Guest {self.name} ended:\n{tail(self.log)}"))


def mac(name: str) -> str:
    """A locally administered MAC address, derived from the guest's name."""
    digits = hashlib.sha256(name.encode()).hexdigest()[:10]
    return ":".join(["52", *(digits[number : number + 2] for number in range(0, 10, 2))])
