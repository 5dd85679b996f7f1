"""A Debian on which nothing was installed but what the README asks for, with a clone of the checkout: for a person's first commands."""

import os
import shutil
import subprocess
from pathlib import Path

from jlddev.support import rootfs
from jlddev.support.paths import CHECKOUT

PACKAGES = ("ca-certificates", "make", "python3", "python3-venv")
# In namespaces of its own, over a root file system that stays as it is: enter ROOT FOLDER USER COMMAND...
ENTER = """
root=$1 folder=$2 user=$3
shift 3
mount -t overlay -o "lowerdir=$root,upperdir=$folder/written,workdir=$folder/work" overlay "$folder/merged"
cd "$folder/merged"
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs tmpfs run
for file in /etc/ssl/certs/ca-certificates.crt /etc/resolv.conf /etc/pip.conf; do
  [ ! -e "$file" ] || cp "$file" "${file#/}"
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "HOME=/home/$user" SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
  PIP_CERT=/etc/ssl/certs/ca-certificates.crt ${GOPROXY:+"GOPROXY=$GOPROXY"} chroot "--userspec=$user:$user" . "$@"
"""


class CleanSystem:
    """One suite of Debian; what is written goes into `folder`."""

    def __init__(self, suite: str, folder: Path) -> None:
        self.root = rootfs.unpacked(f"clean-{suite}", PACKAGES, suite)
        self.folder = folder
        for name in ("written", "work", "merged"):
            (folder / name).mkdir()
        clone = folder / "written" / "src"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", CHECKOUT, clone], check=True)
        for user in ("0", "1000"):
            (folder / "written" / "home" / user).mkdir(parents=True)
        for path in (clone, *clone.rglob("*"), folder / "written" / "home" / "1000"):
            os.chown(path, 1000, 1000, follow_symlinks=False)

    def run(self, user: int, *command: str, proxy: str = "", seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone; `proxy` is what GOPROXY says."""
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-euc", ENTER, "sh"]
        places = [str(self.root), str(self.folder), str(user)]
        inside = ["sh", "-c", 'cd /src && exec "$@"', "sh", *command]
        env = {"PATH": os.environ["PATH"], "GOPROXY": proxy}
        return subprocess.run(
            [*words, *places, *inside], env=env, capture_output=True, text=True, timeout=seconds, check=False
        )

    def remove(self, path: str) -> None:
        """Have it without a folder, until the end."""
        (self.folder / "written" / path).parent.mkdir(parents=True, exist_ok=True)
        os.mknod(self.folder / "written" / path, 0o020000, 0)  # what overlayfs takes for "deleted"

    def end(self) -> None:
        """Delete all that was written."""
        shutil.rmtree(self.folder)
