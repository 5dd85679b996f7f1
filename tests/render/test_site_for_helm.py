"""Helm on a file that is a site file, which the tool has still to complete."""

from __future__ import annotations

from pathlib import Path

import pytest
from rendering import CHART, CHECKOUT, HELMS, helm

FIRST = "run `jld values` first"
EXAMPLES = sorted(each.stem for each in (CHECKOUT / "values").glob("*.yaml"))
OWN_SECRET = """\
global: {hostname: jupyter.example.org}
hub:
  auth: {github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [my-org]}}}
  existingSecret: mine
"""
LEFT_TO_THE_TOOL = {  # what a site leaves to it though it has a Secret of its own
    "a certificate in files": "nginx: {routes: {existingSecret: mine}, tls: {certificate: a.pem, key: b.pem}}\n",
    "a certificate that is made": "nginx: {routes: {existingSecret: mine}, tls: {selfSigned: true}}\n",
    "Firefly's password": "nginx: {routes: {existingSecret: mine}, tls: {existingSecret: t}}\nfirefly: {enabled: true}\n",
}


def said(program: str, file: Path) -> str:
    done = helm(program, "template", "jld", CHART, "--values", file)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_site_file_is_sent_to_the_tool(name: str, program: str) -> None:
    assert FIRST in said(program, CHECKOUT / "values" / f"{name}.yaml")


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("rest", LEFT_TO_THE_TOOL.values(), ids=LEFT_TO_THE_TOOL)
def test_so_is_whatever_the_tool_would_have_written(rest: str, program: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(OWN_SECRET + rest)
    assert FIRST in said(program, file)


@pytest.mark.parametrize("program", HELMS)
def test_another_mistake_is_not_blamed_on_the_file(program: str, values: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text("hub: {lab: {startsAtOnce: lots}}\n")
    done = helm(program, "template", "jld", CHART, "--values", values["minimal"], "--values", file)
    assert (done.returncode != 0, FIRST in done.stderr) == (True, False), done.stderr
