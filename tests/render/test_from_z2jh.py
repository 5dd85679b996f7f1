"""What `jld init --from` makes of Zero to JupyterHub's files is a site that Helm installs."""

from pathlib import Path

import pytest
import yaml
from jld.cli import app
from jlddev.support.paths import BIN, CHECKOUT
from jlddev.support.run import output
from typer.testing import CliRunner

from tests.z2jh_files import NAMES, values_of


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
@pytest.mark.parametrize("name", NAMES)
def test_helm_takes_what_comes_of_each_file(name: str, helm: str, tmp_path: Path) -> None:
    values = values_of(name, tmp_path)
    found = output([BIN / helm, "template", "jld", CHECKOUT / "chart", "--values", values])
    kinds = {each["kind"] for each in yaml.load_all(found, yaml.CSafeLoader) if each}
    assert {"Deployment", "NetworkPolicy", "ConfigMap"} <= kinds
    assert ("Ingress" in kinds) is (name == "aks")
    assert CliRunner().invoke(app, ["check", str(tmp_path / "site.yaml")]).exit_code == 0
