"""Runs git in one folder of a home: without hooks, prompts or a pager, and with a deadline for the network."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

NOTHING: Mapping[str, str] = MappingProxyType({})
SECONDS = 300  # for all repositories together; a request over the network may take a third of it


class LeftAlone(Exception):
    """A repository is left unchanged. The message says why, and what its owner may do."""


class Killed(LeftAlone):
    """As git itself was killed, which may have left its locks behind."""


@dataclass(frozen=True)
class Git:
    """git in `folder`. `deadline` is the monotonic time at which requests over the network end."""

    folder: Path
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    protocols: str = "https"

    def run(
        self, *words: str, seconds: float | None = None, feed: bytes = b"", env: Mapping[str, str] = NOTHING
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a git command with `feed` as its input, whatever its exit code.

        `seconds` is a time-out, for requests over the network only: a command that changes files must not be
        interrupted. Raises LeftAlone after the time-out.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        settings = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": self.protocols, "LC_ALL": "C"}
        kept = {
            name: os.environ[name]
            for name in ("GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL", "GIT_SSL_CAINFO")
            if name in os.environ
        }
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.quotePath=false", *words]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env={**inherited, **settings, **kept, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that a time-out kills git's child processes too
        ) as process:
            try:
                out, err = process.communicate(feed, timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise LeftAlone(f"the server did not answer within {seconds:.0f} seconds") from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def over_network(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command that contacts the server, until the deadline at most. Raises LeftAlone."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise LeftAlone("there was no time left for it")
        return self.run(*words, seconds=min(left, SECONDS / 3))

    def succeeds(self, *words: str) -> bool:
        return self.run(*words).returncode == 0

    def text(self, *words: str) -> str:
        """The command's output; empty when it fails."""
        done = self.run(*words)
        return done.stdout.decode(errors="surrogateescape").strip() if done.returncode == 0 else ""

    def paths(self, *words: str, env: Mapping[str, str] = NOTHING) -> list[str]:
        """The entries that a command with `-z` lists. Raises LeftAlone when it fails."""
        done = self.run(*words, env=env)
        if done.returncode:
            raise LeftAlone(f"git does not read it: {last_line(done.stderr)}")
        return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]

    def do(self, *words: str, feed: bytes = b"", env: Mapping[str, str] = NOTHING) -> str:
        """Run a command and return its output. Raises LeftAlone when it fails."""
        done = self.run(*words, feed=feed, env=env)
        if done.returncode < 0:
            raise Killed(f"git {words[0]} was ended by signal {-done.returncode}")
        if done.returncode:
            if lock := re.search(rb"Unable to create '(.+\.lock)': File exists", done.stderr):
                raise another_git(os.fsdecode(lock[1]))
            raise LeftAlone(f"git {words[0]}: {last_line(done.stderr)}")
        return os.fsdecode(done.stdout).strip()


def another_git(lock: str) -> LeftAlone:
    return LeftAlone(f"another git is at work in it, or was interrupted; if none is, remove {lock}")


def last_line(output: bytes) -> str:
    """The last line of git's error output, at most 300 characters."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no reason given"
