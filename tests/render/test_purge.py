"""What is rendered for pods that remove images: only where a site asks for it, and no more than they need."""

import re
from pathlib import Path

import pytest
import yaml
from jldhub.images.prepuller.settings import PrepullerSettings, Purge
from rendering import CHART, CHECKOUT, Object, Question, Render, render

PLACE = "pod-security.kubernetes.io/enforce"


def of_purge(rendered: Render) -> list[Object]:
    return [each for each in rendered.objects if each["metadata"]["labels"]["app.kubernetes.io/component"] == "purge"]


def settings(rendered: Render) -> PrepullerSettings:
    text = rendered.one("ConfigMap", "jld-prepuller-settings")["data"]["prepuller.yaml"]
    return PrepullerSettings.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "changes",
    [
        ('prepuller.purge="never"',),
        ('prepuller.purge="report"',),
        ("prepuller.enabled=false",),
        ("prepuller.nodesAtOnce=0",),
    ],
)
def test_nothing_of_it_is_there_unless_images_are_removed(values: dict[str, Path], changes: tuple[str, ...]) -> None:
    rendered = render(Question(values["everything"], changes))
    assert of_purge(rendered) == []
    if "enabled=false" not in changes[0]:
        assert settings(rendered).names.purge is None


def test_all_of_it_is_in_the_namespace_that_the_controller_is_told(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))
    names = settings(rendered).names.purge
    assert names
    assert settings(rendered).purge is Purge.REMOVE
    found = {each["kind"]: each for each in of_purge(rendered)}
    namespace = found.pop("Namespace")
    assert namespace["metadata"]["name"] == names.namespace
    assert namespace["metadata"]["labels"][PLACE] == "privileged"
    assert {each["metadata"]["namespace"] for each in found.values()} == {names.namespace}
    assert sorted(found) == ["ConfigMap", "NetworkPolicy", "Role", "RoleBinding", "ServiceAccount"]
    assert found["ServiceAccount"]["metadata"]["name"] == names.service_account
    assert found["ServiceAccount"]["automountServiceAccountToken"] is False


def test_the_controller_alone_makes_pods_there(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"], namespace="science"))
    found = {each["kind"]: each for each in of_purge(rendered)}
    assert found["Role"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "delete"]}
    ]
    assert found["RoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "jld-prepuller", "namespace": "science"}
    ]


def test_its_program_is_the_one_folder(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"], chart=CHART))
    folder = CHECKOUT / "hub-extensions" / "jldhub" / "images" / "purger"
    (told,) = [each["data"] for each in of_purge(rendered) if each["kind"] == "ConfigMap"]
    assert told == {path.name: path.read_text() for path in folder.glob("*.py")}


def test_no_two_releases_share_the_namespace(values: dict[str, Path]) -> None:
    """Also where their names, joined with their namespaces', say the same."""
    found = set()
    releases = [("a-b", "c"), ("a", "b-c"), ("b-c", "a"), ("n" * 63, "r" * 47)]
    for namespace, release in releases:
        rendered = render(Question(values["everything"], release=release, namespace=namespace))
        (name,) = [each["metadata"]["name"] for each in of_purge(rendered) if each["kind"] == "Namespace"]
        assert re.fullmatch("jld-purge-[0-9a-f]{10}", name)
        found.add(name)
    assert len(found) == len(releases)
