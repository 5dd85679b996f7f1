"""The first commands on clean systems: what they say before anything is installed, and that the tools come as anybody."""

import os
from collections.abc import Callable, Iterator

import pytest
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported

from .clean_system import CleanSystem

SUITES = {"bookworm": "Debian 12, Python 3.11.2", "trixie": "Debian 13, Python 3.13"}
ROOT, ANYBODY = 0, 1000


@pytest.fixture(scope="module", params=SUITES)
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]
) -> Iterator[CleanSystem]:
    if os.geteuid() != 0:
        pytest.skip("a root file system is root's: run the tests as root")
    try:
        debian_packages.ensure(debian_packages.BUILDER, "clean systems")
    except Unsupported as reason:
        pytest.skip(str(reason))
    made = CleanSystem(request.param, tmp_path_factory.mktemp(request.param))
    describe_level("systems", f"a clean root file system of {SUITES[request.param]}, on this machine's kernel")
    yield made
    made.end()


@pytest.mark.parametrize(
    ("user", "proxy", "sentence"),
    [
        (ANYBODY, "", "which only root may: run it as root, start Docker (then kind is used), or set KUBECONFIG."),
        (ROOT, "", "there is no Go (GOPROXY names no module proxy, from which JLD would take one): install Go 1.26"),
        (ROOT, "off", "there is no Go (GOPROXY names no module proxy, from which JLD would take one): install Go 1.26"),
    ],
    ids=["not root", "no Go", "no module proxy"],
)
def test_what_is_missing_is_said_before_anything_is_installed(
    system: CleanSystem, user: int, proxy: str, sentence: str
) -> None:
    done = system.run(user, "make", "up", proxy=proxy, seconds=60)
    assert done.returncode == 2
    assert "jld: cluster: native (Kubernetes v1." in done.stderr
    assert sentence in done.stderr
    assert not (system.folder / "written" / "src" / ".venv").exists()


def test_anybody_gets_the_tools_and_checks_a_site(system: CleanSystem) -> None:
    done = system.run(ANYBODY, "make", "values")
    assert done.returncode == 0, done.stderr
    assert (system.folder / "written" / "src" / "values.yaml").exists()
    lint = "helm lint --strict chart --values values.yaml"
    done = system.run(ANYBODY, "sh", "-c", f'PATH="$HOME/.cache/jld/bin:$PATH" {lint}')
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_system_without_the_venv_module_is_told_what_to_install(system: CleanSystem) -> None:
    for found in (system.root / "usr" / "lib").glob("python3*/ensurepip"):
        system.remove(str(found.relative_to(system.root)))
    done = system.run(ANYBODY, "make", "up", seconds=60)
    assert done.returncode == 2
    assert "has no venv module: install it (Debian: apt-get install python3-venv)" in done.stderr
