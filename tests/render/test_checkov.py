"""checkov on the chart and on a lab: what it finds is what docs/security.md explains."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jlddev.tools import checkov
from rendering import CHECKOUT, Question, render

pytestmark = pytest.mark.slow

LAB = CHECKOUT / "tests" / "unit" / "jldhub" / "golden" / "lab-pod.json"  # as the real KubeSpawner builds it
PLACE = "science"


@pytest.fixture(scope="module")
def found(values: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("checkov")
    objects = [*render(Question(values["minimal"], namespace=PLACE)).objects, json.loads(LAB.read_text())]
    placed = [each | {"metadata": {**each["metadata"], "namespace": PLACE}} for each in objects]
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(placed))
    return checkov.failures(folder)


def documented() -> set[str]:
    page = (CHECKOUT / "docs" / "security.md").read_text()
    return set(re.findall(r"^\| (CKV2?_K8S_[0-9]+) \|", page, re.MULTILINE))


def test_a_lab_fails_no_check_but_those_that_are_explained(found: set[tuple[str, str]]) -> None:
    assert {check for check, resource in found if resource == "Pod.jld-lab-ada"} == {
        *("CKV_K8S_8", "CKV_K8S_9"),
        *("CKV_K8S_15", "CKV_K8S_43"),
        "CKV_K8S_25",
    }


def test_what_is_found_is_explained_and_what_is_explained_is_found(found: set[tuple[str, str]]) -> None:
    assert {check for check, _ in found} == documented()


def test_it_would_find_a_weakness(tmp_path: Path) -> None:
    lab = json.loads(LAB.read_text())
    lab["spec"]["containers"][0]["securityContext"]["privileged"] = True
    lab["spec"]["hostNetwork"] = True
    (tmp_path / "lab.json").write_text(json.dumps(lab))
    assert {"CKV_K8S_16", "CKV_K8S_19"} <= {check for check, _ in checkov.failures(tmp_path)}
