"""Runs programs with their output in a log file, progress on standard error, and the end of the log on failure."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jlddev.support.errors import MachineError
from jlddev.support.paths import CACHE

LOGS = CACHE / "logs"


def say(text: str) -> None:
    """Print one line of progress to standard error, unbuffered."""
    print(f"jld: {text}", file=sys.stderr, flush=True)


def run(
    what: str,
    command: Sequence[str | Path],
    *,
    log: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    every: float = 30.0,
) -> None:
    """Run `command` with its output in `~/.cache/jld/logs/<log>.log`, and print progress every `every` seconds.

    Raises MachineError with the end of the log when the command is missing or fails.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    started = time.monotonic()
    say(f"{what} ...")
    with path.open("wb") as out:
        try:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        except FileNotFoundError as error:
            raise MachineError(f"{what}: the program '{command[0]}' was not found; install it and repeat.") from error
        while True:
            try:
                code = process.wait(timeout=every)
                break
            except subprocess.TimeoutExpired:
                say(f"{what}: {time.monotonic() - started:.0f} s; follow it with: tail -f {path}")
    seconds = time.monotonic() - started
    if code:
        raise MachineError(
            f"{what} failed after {seconds:.0f} s with exit code {code}. The end of {path}:\n{tail(path)}"
        )
    say(f"{what}: done in {seconds:.0f} s")


def output(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> str:
    """The standard output of a short command.

    Raises MachineError, with its standard error, when it is missing or fails.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MachineError(f"The program '{words[0]}' was not found; install it and repeat.") from error
    if done.returncode:
        raise MachineError(f"'{' '.join(words)}' failed with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log file."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
