"""How programs are fetched and run, and that the Makefile calls what is there."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from jld.cli import app as jld
from jlddev.cli import app as jlddev
from jlddev.images import build
from jlddev.support import debian_packages, run
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.paths import CHECKOUT
from jlddev.tools import go, helm_and_kubectl


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "LOGS", tmp_path / "logs")
    return run.LOGS


def test_a_long_step_says_that_it_goes_on_and_how_to_follow_it(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "follow it" in text:
            (tmp_path / "followed").touch()  # the step ends once progress was said, however busy the machine is

    monkeypatch.setattr(run, "say", say)
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=iter(range(0, 10**6, 31)).__next__))
    step = f"echo all of it; echo errors too >&2; until [ -e '{tmp_path}/followed' ]; do sleep 0.1; done"
    run.run("wait", ["sh", "-c", step], log="wait", every=0.1)
    assert said[:2] == ["wait ...", f"wait: 31 s; follow it with: tail -f {logs / 'wait.log'}"]
    assert said[-1] == f"wait: done in {31 * (len(said) - 1)} s"
    assert (logs / "wait.log").read_text() == "all of it\nerrors too\n"


def test_a_failing_short_command_tells_its_error_and_a_missing_one_its_name() -> None:
    with pytest.raises(MachineError, match="failed with exit code 4: the reason"):
        run.output(["sh", "-c", "echo the reason >&2; exit 4"])
    with pytest.raises(MachineError, match="The program 'no-such-program' was not found"):
        run.output(["no-such-program"])


def test_an_interrupted_download_leaves_no_package_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(helm_and_kubectl, "CACHE", tmp_path)
    monkeypatch.setattr(helm_and_kubectl, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        helm_and_kubectl.layer_zip("a-package==1.0")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "remedy"), [("helm3", ".*install Go"), ("kubectl", "install kubectl and put it on PATH")]
)
def test_a_machine_without_packaged_programs_is_told_what_helps(
    name: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(go, "toolchain", lambda: Path("/no/such/go"))
    monkeypatch.setenv("GOPROXY", "off")
    (tool,) = [tool for tool in helm_and_kubectl.PACKAGED if tool.name == name]
    with pytest.raises(MachineError, match=f"There is no packaged {name} for aarch64.*{remedy}"):
        helm_and_kubectl.fetch_one(tool)


@pytest.mark.parametrize(("version", "used"), [("v1.37.2", True), ("v1.35.0", True), ("v1.34.9", False), ("?", False)])
def test_kubectl_on_path_is_used_when_it_is_new_enough(
    version: str, used: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\necho \'{{"clientVersion": {{"gitVersion": "{version}"}}}}\'\n')
    program.chmod(0o755)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setattr(helm_and_kubectl, "BIN", bin_folder)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (kubectl,) = [tool for tool in helm_and_kubectl.PACKAGED if tool.name == "kubectl"]
    assert helm_and_kubectl.link_from_path(kubectl) is used
    assert (bin_folder / "kubectl").is_symlink() is used


def test_a_docker_that_hangs_is_no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("docker", 20)

    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/docker")
    monkeypatch.setattr(subprocess, "run", hang)
    assert not build.docker_answers()


def test_without_docker_buildah_is_installed_or_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    sentence = r"without a Docker Engine needs buildah mmdebstrap: install them \(Debian: sudo apt-get install buildah"
    with pytest.raises(Unsupported, match=sentence):
        build.builder()


def test_on_another_system_than_debian_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MachineError, match="the native cluster needs buildah iproute2 mmdebstrap socat util-linux"):
        debian_packages.ensure(debian_packages.NATIVE, "the native cluster")


def test_pip_is_where_the_makefile_puts_it_wherever_the_cache_is(tmp_path: Path) -> None:
    (uv,) = re.findall(r"^UV := (\S+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    environment = os.environ | {"JLD_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", "from jlddev.support import paths; print(paths.PIP, paths.CACHE)"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    pip = Path(uv.replace("$(HOME)", str(Path.home()))).with_name("pip")
    assert done.stdout.split() == [str(pip), str(tmp_path)]


def test_the_makefile_calls_only_commands_that_exist() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    for variable, app in (("JLD", jld), ("JLDDEV", jlddev)):
        called = set(re.findall(rf"\$\({variable}\) ([a-z-]+)", text))
        assert called
        assert called <= set(typer.main.get_group(app).commands)
