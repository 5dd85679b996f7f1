"""What a pod brings into a lab: it runs in images that JLD did not make."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jld_defaults
import pytest
from jldhub.labs import inside
from jldhub.labs.inside import IPYTHON_CONFIG, START, inside_files
from jldhub.labs.secret import secret_key
from traitlets.config import Config

FOLDER = Path(inside.__file__).parent


def test_every_file_of_the_folder_is_brought_and_none_has_the_key_of_another() -> None:
    files = inside_files()
    assert {START, IPYTHON_CONFIG, "bashrc", "jupyter/jupyter_server_config.py", "library/jld_git.py"} <= files.keys()
    assert len({secret_key(file) for file in files}) == len(files)
    assert "__init__.py" not in files
    assert sum(map(len, files.values())) < 100_000  # each start has a Secret with them


def test_the_oldest_python_that_is_promised_runs_it() -> None:
    """3.9, by vermin, which knows since when a form of the language or a part of its library exists."""
    vermin = [str(Path(sys.executable).with_name("vermin")), "--target=3.9-", "--violations", "--no-tips"]
    done = subprocess.run(
        [*vermin, str(FOLDER / "library"), str(FOLDER / "jupyter")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [START, "bashrc"])
def test_any_posix_shell_reads_it(file: str) -> None:
    subprocess.run(["dash" if file == START else "bash", "-n", str(FOLDER / file)], check=True)


class Server(SimpleNamespace):
    """As much of Jupyter Server as the defaults look at."""

    def update_config(self, config: Config) -> None:
        self.config.merge(config)


def test_defaults_are_set_where_neither_image_nor_person_set_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JLD_FILES", "/run/jld")
    monkeypatch.setenv("SHELL", "/bin/bash")
    server = Server(config=Config(), terminado_settings={"term": "xterm"})
    jld_defaults._link_jupyter_server_extension(server)
    assert server.config.NotebookNotary.db_file == "/tmp/nbsignatures.db"
    assert server.terminado_settings == {"term": "xterm", "shell_command": ["/bin/bash", "--rcfile", "/run/jld/bashrc"]}


def test_what_image_or_person_set_stays() -> None:
    server = Server(
        config=Config({"NotebookNotary": {"db_file": "/home/ada/signatures.db"}}),
        terminado_settings={"shell_command": ["/bin/zsh", "-l"]},
    )
    jld_defaults._link_jupyter_server_extension(server)
    assert server.config.NotebookNotary.db_file == "/home/ada/signatures.db"
    assert server.terminado_settings == {"shell_command": ["/bin/zsh", "-l"]}


@pytest.mark.parametrize(
    ("shell", "programs", "command"),
    [
        ("/usr/bin/bash", (), ["/usr/bin/bash", "--rcfile", "/run/jld/bashrc"]),
        ("/bin/zsh", ("bash",), ["/bin/zsh"]),
        ("", ("bash",), ["{bin}/bash", "--rcfile", "/run/jld/bashrc"]),
        ("", (), ["/bin/sh"]),
    ],
)
def test_terminals_have_the_images_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, programs: tuple[str, ...], command: list[str]
) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SHELL", shell)
    monkeypatch.delenv("JLD_FILES", raising=False)
    assert jld_defaults.shell_command() == [word.replace("{bin}", str(tmp_path)) for word in command]
