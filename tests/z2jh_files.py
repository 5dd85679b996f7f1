"""Files of Zero to JupyterHub as real platforms have them, and the values that come of each."""

from pathlib import Path

from jld.cli import app
from jlddev.support.paths import CHECKOUT
from typer.testing import CliRunner

FOLDER = CHECKOUT / "tests" / "data" / "z2jh"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
_OPTIONS = {"aks": ["--trusted-proxy", "10.244.0.0/16"]}  # what no key of theirs says


def values_of(name: str, folder: Path) -> Path:
    """By `jld init --from` and `jld values`, in `folder`."""
    site = str(folder / "site.yaml")
    for words in (
        ["init", "--from", str(FOLDER / f"{name}.yaml"), "-o", site, *_OPTIONS.get(name, [])],
        ["values", site, "-o", str(folder / "values.yaml")],
    ):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    return folder / "values.yaml"
