"""The start program of labs in images that JLD did not make. What of an image matters to it is which programs are on PATH."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.ports import free_port

from .lab_program import command, environment, hub_api
from .processes import Program, answers

# All that the start program uses of an image, besides Jupyter.
SYSTEM = ("cat", "date", "id", "mkdir", "mv", "nice", "stat", "tee", "timeout")


def image(folder: Path, programs: Iterable[str]) -> str:
    """A PATH with these programs of this machine, and no others."""
    for name in programs:
        found = shutil.which(name, path=f"{Path('.venv/bin').absolute()}:{os.environ['PATH']}")
        assert found, name
        (folder / name).symlink_to(found)
    return str(folder)


@pytest.fixture
def bin(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def run(tmp_path: Path, path: str, **more: str) -> "subprocess.CompletedProcess[str]":
    given = environment(tmp_path, "http://127.0.0.1:9/hub/api", "http://127.0.0.1:9/user/ada/") | {"PATH": path} | more
    shell, *words = command()
    assert shell == "sh"
    return subprocess.run(["/bin/sh", *words], env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("programs", [(), ("python3",)])
def test_an_image_without_jupyter_ends_with_a_sentence_and_changes_nothing(
    tmp_path: Path, bin: Path, programs: tuple[str, ...]
) -> None:
    path = image(bin, SYSTEM)
    for name in programs:  # a Python without Jupyter
        (bin / name).symlink_to("/usr/bin/python3")
    (tmp_path / "kept").write_text("")
    done = run(tmp_path, path, JLD_ENVIRONMENT="all")
    assert done.returncode == 1
    assert done.stderr == (
        f"jld-lab: this image cannot be a lab, because it has no jupyterhub-singleuser on its PATH ({path}); "
        "its maker must install the Python packages jupyterhub and jupyterlab\n"
    )
    assert list((tmp_path / "home").iterdir()) == []


def test_a_python_with_jupyterhub_is_enough(tmp_path: Path, bin: Path) -> None:
    """Such as where the folder with jupyterhub-singleuser is not on PATH."""
    path = image(bin, SYSTEM)
    (bin / "python3").write_text(f'#!/bin/sh\nexec {Path(".venv/bin/python3").absolute()} "$@"\n')
    (bin / "python3").chmod(0o755)
    url = f"http://127.0.0.1:{free_port()}/user/ada/"
    with hub_api() as (api, asked):
        _, *words = command()
        lab = Program("lab", ["/bin/sh", *words], environment(tmp_path, api, url) | {"PATH": path}, tmp_path)
        lab.start()
        try:
            lab.wait_until(lambda: answers(f"{url}api"))
            lab.wait_until(lambda: any(path.endswith("/activity") for path, _ in asked))
        finally:
            lab.stop()
    assert "jld_activity | extension was successfully loaded" in lab.log()
    assert "jld_defaults | extension was successfully loaded" in lab.log()


# A Python that is older than 3.9.
OLD = "#!/bin/sh\ncase $* in *version_info*) exit 1;; esac\nexit 3\n"


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        (("git",), "The notebooks of this site are not refreshed: this image has no Python 3.9 or newer."),
        ((), "The notebooks of this site are not refreshed: this image has no git."),
    ],
)
def test_what_python_or_git_would_do_is_left_out_with_a_line_in_the_log(
    tmp_path: Path, bin: Path, programs: tuple[str, ...], said: str
) -> None:
    path = image(bin, [*SYSTEM, *programs, "sleep"])
    for name in ("python3", "jupyterhub-singleuser"):
        (bin / name).write_text(OLD if name == "python3" else "#!/bin/sh\nsleep 5\necho started: $*\n")
        (bin / name).chmod(0o755)
    repositories = {"JLD_REPOSITORIES": "https://git.example.org/notebooks.git", "JLD_RUN": str(tmp_path / "run")}
    done = run(tmp_path, path, **repositories)
    assert done.returncode == 0
    assert "started:" in done.stdout
    assert said in done.stderr
    assert (tmp_path / "run" / "user" / "repositories").read_text() == f"{said}\n"
