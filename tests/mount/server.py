"""A real NFS server, and the native node's client mounted from it, in namespaces that only these tests see."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jlddev.support.process import child_of

PACKAGES = ("nfs-ganesha", "nfs-ganesha-vfs")
GRACE_SECONDS = 6  # and the lease, as the chart's server has them
SETTINGS = f"""
NFS_Core_Param {{ Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; allow_set_io_flusher_fail = true; }}
NFSv4 {{
  Minor_Versions = 0,1,2; RecoveryBackend = fs; Only_Numeric_Owners = true;
  Grace_Period = {GRACE_SECONDS}; Lease_Lifetime = {GRACE_SECONDS};
}}
EXPORT {{
  Export_Id = 1; Path = /export; Pseudo = /exports/home; Protocols = 4; SecType = sys;
  Access_Type = RW; Squash = No_Root_Squash; FSAL {{ Name = VFS; }}
}}
"""
# The server's root file system is an overlay, so that the cached one stays as it is; mount(8) finds the client by name.
# Mounts are made below /mnt, to which every user may go.
SETUP = """
set -eu
root=$1 work=$2 client=$3
mount --make-rprivate /
mount -t proc proc /proc
mount --bind "$work/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /mnt
mount -t overlay overlay -o "lowerdir=$client:/usr/sbin" /usr/sbin
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/overlay" "$work/server"
cd "$work/server"
mount -t proc proc proc
mount --rbind /dev dev
mkdir -p export run/ganesha var/run/ganesha var/lib/nfs/ganesha
mount --bind "$work/export" export
mount --bind "$work/log" var/log
ln -sf /proc/self/mounts etc/mtab
cp "$work/ganesha.conf" etc/ganesha/ganesha.conf
ip link set lo up
echo ready
while :; do sleep 3600; done # a shell, because process 1 waits for those whose parent ended
"""
# A program that a file system holds for ever is ended by its alarm, so that its test fails.
BECOME = "import os, signal; signal.alarm(240); os.setgroups({groups}); os.setgid({gid}); os.setuid({uid})\n"


class Place:
    """The namespaces: a network with nothing but loopback, mounts and process numbers of their own."""

    def __init__(self, root: Path, client: Path, work: Path) -> None:
        self.work, self.exported, self.mounts = work, work / "export", 0
        for name in ("upper", "overlay", "server", "export", "log"):
            (work / name).mkdir()
        (work / "ganesha.conf").write_text(SETTINGS)
        namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child=SIGKILL"]
        script = ["sh", "-c", SETUP, "setup", str(root), str(work), str(client.parent)]
        self.holder = subprocess.Popen(["unshare", *namespaces, "--", *script], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == "ready\n", "the namespaces were not set up: see above"
        self.process = child_of(self.holder.pid)
        self.server: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """The kernel ends all that runs in the namespaces with their first process."""
        self.holder.kill()
        self.holder.wait(30)

    def enter(self, command: Sequence[str | Path]) -> list[str]:
        words = ["nsenter", "--target", str(self.process), "--mount", "--net", "--pid", "--"]
        return words + [str(word) for word in command]

    def run(self, *command: str | Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command inside; it is given up after some time, because a file system that hangs must not hang a test."""
        return subprocess.run(self.enter(command), capture_output=True, text=True, timeout=seconds, check=False)

    def ok(self, *command: str | Path, seconds: float = 120) -> str:
        done = self.run(*command, seconds=seconds)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def start(self, code: str, uid: int = 0, groups: Sequence[int] = ()) -> subprocess.Popen[str]:
        """Start Python code as a user whose group has the user's number."""
        program = BECOME.format(groups=list(groups), gid=uid, uid=uid) + code
        command = self.enter([Path(sys.executable).resolve(), "-c", program])
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def python(self, code: str, uid: int = 0, groups: Sequence[int] = (), seconds: float = 120) -> str:
        """What the code prints, the end of its traceback included."""
        process = self.start(code, uid, groups)
        try:
            return process.communicate(timeout=seconds)[0].strip()
        finally:
            if process.poll() is None:
                self.kill(process)

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill what runs inside; nsenter, which started it, then ends by itself."""
        os.kill(child_of(process.pid), 9)
        process.wait(30)

    def start_server(self) -> None:
        """Start the server and wait until it says that it serves; in its grace period it may still refuse most."""
        log = self.work / "log" / "ganesha.log"
        log.write_text("")
        arguments = ["-F", "-f", "/etc/ganesha/ganesha.conf", "-L", "/var/log/ganesha.log", "-p", "/run/ganesha.pid"]
        self.server = subprocess.Popen(self.enter(["chroot", self.work / "server", "ganesha.nfsd", *arguments]))
        deadline = time.monotonic() + 60
        while "NFS SERVER INITIALIZED" not in log.read_text():
            assert self.server.poll() is None, f"the server ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"the server does not start: {log.read_text()}"
            time.sleep(0.1)

    def kill_server(self) -> None:
        """End it without a chance to say goodbye."""
        assert self.server is not None
        os.kill(child_of(self.server.pid), 9)
        self.server.wait(30)

    def mount(self, options: str = "nfsvers=4.2,hard,noresvport,noatime") -> Path:
        """A new mount, as kubelet makes it."""
        self.mounts += 1
        target = Path(f"/mnt/{self.mounts}")
        self.ok("mkdir", target)
        self.ok("mount", "-t", "nfs", "-o", options, "127.0.0.1:/exports/home", target)
        return target

    def clients(self) -> set[str]:
        """The numbers of the client's processes, those included that are just ending."""
        return set(self.run("pgrep", "-x", "mount.nfs").stdout.split())
