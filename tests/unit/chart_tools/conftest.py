"""A folder with a site file, and the tool run in it as an operator runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pexpect
import pytest
import typer.main
import typer.testing
import yaml
from jld.cli import app
from jld.secrets.formats import HUB_SECRETS, environment_variable
from typer.testing import CliRunner, Result

CHECKOUT = Path(__file__).resolve().parents[3]
GITHUB = """\
global: {hostname: jupyter.example.org, imageRegistry: ghcr.io/my-org}
hub: {auth: {github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [my-org]}}}}
nginx: {tls: {existingSecret: jupyter-tls}}
"""
LOCAL = """\
global: {hostname: jld.localhost, port: 8443}
hub: {auth: {dummy: {users: [alice, bob]}}}
nginx: {tls: {selfSigned: true}}
"""


def pem(body: str, kind: str = "PRIVATE KEY", end: bool = True) -> str:
    """PEM text with any body: nobody's key, and in no file of the checkout."""
    dashes = "-" * 5
    return f"{dashes}BEGIN {kind}{dashes}\n{body}\n" + (f"{dashes}END {kind}{dashes}\n" if end else "")


@dataclass(frozen=True)
class Desk:
    """A folder of an operator."""

    folder: Path

    def write(self, name: str, text: str | bytes) -> Path:
        file = self.folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def read(self, name: str = "values.yaml") -> dict[str, Any]:
        data: dict[str, Any] = yaml.safe_load((self.folder / name).read_bytes())
        return data

    def run(self, *words: str, **environment: str) -> Result:
        chart = [] if words[0] in ("password", "rotate") or "--chart" in words else ["--chart", str(CHECKOUT / "chart")]
        return CliRunner().invoke(
            app, [*words, *chart], env=dict.fromkeys(map(environment_variable, HUB_SECRETS)) | environment
        )


@pytest.fixture(scope="session", autouse=True)
def commands_are_built_once() -> Iterator[None]:
    """Which typer's runner would do for each run, and which takes as long as a check does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


@pytest.fixture
def github_desk(desk: Desk) -> Desk:
    desk.write("site.yaml", GITHUB)
    return desk


@pytest.fixture
def local_desk(desk: Desk) -> Desk:
    desk.write("site.yaml", LOCAL)
    return desk


@pytest.fixture
def at_terminal(desk: Desk) -> Callable[..., AbstractContextManager[Any]]:
    """The real program on a terminal, for what it asks."""

    @contextmanager
    def start(*words: str) -> Iterator[Any]:
        program = str(Path(sys.executable).parent / "jld")
        arguments = [*words, "--chart", str(CHECKOUT / "chart")]
        found_by = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environment = {**found_by, "HOME": str(desk.folder), "TERM": "dumb", "NO_COLOR": "1"}
        spawned = pexpect.spawn(
            program,
            arguments,
            env=environment,
            cwd=str(desk.folder),
            timeout=120,  # a busy machine takes long to start a program
            encoding="utf-8",
            dimensions=(50, 250),
        )
        try:
            yield spawned
            spawned.wait()
        finally:
            spawned.close(force=True)

    return start


@pytest.fixture
def complaints(desk: Desk) -> Callable[[str], list[str]]:
    """What `jld check` says about a site file: one line for each mistake, without the count at the end."""

    def check(text: str) -> list[str]:
        desk.write("site.yaml", text)
        result = desk.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc123")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.exit_code == (1 if result.stderr else 0)
        return result.stderr.splitlines()[:-1]

    return check
