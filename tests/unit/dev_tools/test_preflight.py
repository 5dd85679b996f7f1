"""What `make up` says before it installs anything: it needs no package, and tells what is missing within seconds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from jlddev import preflight
from jlddev.clusters import cgroups, native, programs, providers
from jlddev.support import debian_packages
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.paths import CHECKOUT
from jlddev.tools import go


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """With the standard library alone, as on a machine where nothing is installed."""
    command = [sys.executable, "-S", "-B", "-m", "jlddev.preflight"]
    usual = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "PYTHONPATH": str(CHECKOUT / "dev-tools")}
    return subprocess.run(command, env=usual | environment, capture_output=True, text=True, check=False, timeout=60)


def test_it_needs_no_package(tmp_path: Path) -> None:
    (tmp_path / "config").touch()
    done = run(tmp_path, KUBECONFIG=str(tmp_path / "config"))
    assert (done.returncode, done.stderr) == (0, "jld: cluster: the cluster of KUBECONFIG\n")


def test_what_is_missing_ends_it(tmp_path: Path) -> None:
    done = run(tmp_path, KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "there is no such file: correct or unset it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine for the native cluster, on which nothing was built."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(providers.build, "docker_answers", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cgroups, "missing", lambda: None)
    monkeypatch.setattr(native, "DISK_BYTES", 0)
    monkeypatch.setattr(native.leftovers, "networks_with", lambda _: set())
    monkeypatch.setattr(programs, "CACHE", tmp_path)
    monkeypatch.setattr(native, "require_free", lambda _: None)
    monkeypatch.setattr(providers.Native, "running", lambda _: False)
    return tmp_path


@pytest.mark.parametrize(("cores", "minutes"), [(1, 40), (2, 20), (4, 10), (64, 6)])
@pytest.mark.usefixtures("bare")
def test_the_first_start_is_estimated(
    cores: int, minutes: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    preflight.main()
    way, time = capsys.readouterr().err.splitlines()
    assert way.startswith("jld: cluster: native (Kubernetes v1.")
    assert f"about {minutes} minutes" in time


@pytest.mark.usefixtures("bare")
def test_a_later_start_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(programs, "missing", lambda *names: [])
    preflight.main()
    assert len(capsys.readouterr().err.splitlines()) == 1


def no_packages(programs: object, purpose: str) -> None:
    raise Unsupported(f"{purpose} needs socat: install them")


def no_go(purpose: str, instead: str = "") -> None:
    raise Unsupported(f"{purpose}, and there is no Go")


@pytest.mark.parametrize(
    ("module", "name", "value", "sentence"),
    [
        (os, "geteuid", lambda: 1000, "run it as root, start Docker"),
        (cgroups, "missing", lambda: "The machine has no cgroups", "no cgroups. Start Docker"),
        (native, "DISK_BYTES", 2**60, "set JLD_CACHE to a folder on a larger disk"),
        (debian_packages, "require", no_packages, "The native cluster needs socat"),
        (go, "require", no_go, "compiles Kubernetes, and there is no Go"),
    ],
    ids=["root", "cgroups", "disk", "packages", "Go"],
)
@pytest.mark.usefixtures("bare")
def test_whatever_is_missing_is_told(
    module: object,
    name: str,
    value: object,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, name, value)
    with pytest.raises(SystemExit, match="2"):
        preflight.main()
    assert sentence in capsys.readouterr().err


def test_kind_is_compiled_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go, "require", no_go)
    monkeypatch.setattr(providers, "BIN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="kind is compiled, and there is no Go"):
        providers.Kind().check([])
