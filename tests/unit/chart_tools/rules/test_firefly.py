"""What Firefly's keys must say together, and its password."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.cli import app
from jld.rules import firefly
from typer.testing import CliRunner

VOLUMES = {
    "home": {"mountPath": "/home"},
    "scratch": {"mountPath": "/scratch"},
    "datasets": {"mountPath": "/datasets", "readOnly": True},
}
SITE = """\
global: {hostname: jupyter.example.org}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {existingSecret: t}}
"""


def broken(**settings: Any) -> dict[str, str]:
    effective = {"storage": {"volumes": VOLUMES}, "firefly": settings}
    return {".".join(map(str, path)): sentence for rule in firefly.RULES for path, sentence in rule(effective)}


@pytest.mark.parametrize(
    ("hub", "route", "free"),
    [
        ("/", "/user/firefly", False),
        ("/", "/users/firefly", True),
        ("/nb/", "/user/firefly", False),
        ("/nb/", "/nb/user/firefly", False),
        ("/nb/", "/nb/firefly", True),
    ],
)
def test_the_hubs_paths_are_the_hubs(hub: str, route: str, free: bool) -> None:
    effective = {"global": {"hubRoute": hub}, "firefly": {"route": route}}

    assert (list(firefly.route_is_free(effective)) == []) is free


def limits(memory: str) -> dict[str, Any]:
    return {"limits": {"cpu": "1", "memory": memory}}


@pytest.mark.parametrize(
    ("java", "limit", "fits"),
    [
        ("3Gi", "4Gi", True),
        ("3276Mi", "4Gi", True),
        ("3277Mi", "4Gi", False),
        ("4Gi", "4Gi", False),  # as the original had it
        ("4Gi", "5G", False),
        ("4Gi", "6G", True),
        ("3Gi", "nonsense", True),  # the schema's matter
    ],
)
def test_java_leaves_memory_for_itself(java: str, limit: str, fits: bool) -> None:
    found = broken(javaMemory=java, resources=limits(limit))

    assert (found == {}) is fits
    if not fits:
        assert java in found["firefly.javaMemory"]
        assert limit in found["firefly.javaMemory"]
        assert "raise firefly.resources.limits.memory" in found["firefly.javaMemory"]


def test_volumes_are_the_storages() -> None:
    assert broken(volumes=["scratch", "scratsh"]) == {
        "firefly.volumes.1": "there is no storage.volumes.scratsh; write one of home, scratch, datasets"
    }


def test_folders_lie_on_its_volumes() -> None:
    assert broken(volumes=["scratch", "datasets"], searchPath=["/scratch", "/datasets/a"], workArea="/scratch/b") == {}
    found = broken(volumes=["scratch"], searchPath=["/scratch2", "/datasets", "/home/ada"], workArea="/srv")
    assert list(found) == ["firefly.searchPath.0", "firefly.searchPath.1", "firefly.searchPath.2", "firefly.workArea"]
    assert "or add its volume" in found["firefly.workArea"]


def test_a_work_area_can_be_written() -> None:
    found = broken(volumes=["datasets"], workArea="/datasets/firefly")

    assert found == {"firefly.workArea": "/datasets/firefly is on a volume that can only be read; choose another one"}


def test_homes_as_a_search_path_are_doubted() -> None:
    effective = {"storage": {"volumes": VOLUMES}, "firefly": {"searchPath": ["/home", "/homework", "/home/ada"]}}

    assert [path for path, _ in firefly.search_path_is_readable(effective)] == [
        ("firefly", "searchPath", 0),
        ("firefly", "searchPath", 2),
    ]


@pytest.mark.parametrize(
    "settings", [None, [], "on", {"volumes": 3, "searchPath": {}, "workArea": [], "resources": 1, "route": 7}]
)
def test_what_is_no_firefly_is_passed_over(settings: object) -> None:
    effective = {"storage": {"volumes": VOLUMES}, "firefly": settings}

    assert [each for rule in (*firefly.RULES, *firefly.WARNINGS) for each in rule(effective)] == []


def values(tmp_path: Path, firefly_keys: str) -> tuple[dict[str, Any], str]:
    (tmp_path / "site.yaml").write_text(SITE + firefly_keys)
    output = tmp_path / "values.yaml"
    done = CliRunner().invoke(app, ["values", str(tmp_path / "site.yaml"), "-o", str(output)])
    assert done.exit_code == 0, done.output
    return dict(yaml.safe_load(output.read_text())), done.output


def test_the_password_is_made_once_and_kept(tmp_path: Path) -> None:
    first, said = values(tmp_path, "firefly: {enabled: true}\n")
    again, _ = values(tmp_path, "firefly: {enabled: true, replicas: 1}\n")
    password = base64.b64decode(first["firefly"]["secret"]["adminPassword"]).decode()

    assert again["firefly"]["secret"] == first["firefly"]["secret"]
    assert "firefly.secret.adminPassword" in said
    assert password not in said
    assert len(password) >= 32


def test_a_password_comes_from_the_environment_and_rather_from_the_secrets_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def password() -> str:
        found, said = values(tmp_path, "firefly: {enabled: true}\n")
        text = base64.b64decode(found["firefly"]["secret"]["adminPassword"]).decode()
        assert text not in said
        return text

    password()  # one that was generated gives way
    monkeypatch.setenv("JLD_FIREFLY_ADMIN_PASSWORD", "from the environment")
    assert password() == "from the environment"
    (tmp_path / "secrets.yaml").write_text("firefly: {secret: {adminPassword: from the file}}\n")
    assert password() == "from the file"
    monkeypatch.delenv("JLD_FIREFLY_ADMIN_PASSWORD")
    (tmp_path / "secrets.yaml").unlink()
    assert password() == "from the file"


@pytest.mark.parametrize(
    "keys", ["", "firefly: {enabled: false}\n", "firefly: {enabled: true, existingSecret: mine}\n"]
)
def test_no_password_is_made_where_none_is_used(tmp_path: Path, keys: str) -> None:
    assert "secret" not in values(tmp_path, keys)[0].get("firefly", {})


def test_a_password_of_ones_own_stays(tmp_path: Path) -> None:
    found, _ = values(tmp_path, "firefly: {enabled: true, secret: {adminPassword: c2VjcmV0}}\n")

    assert found["firefly"]["secret"] == {"adminPassword": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("{enable: true}", "firefly.enable: there is no such key; did you mean enabled?"),
        ("{enabled: true, route: /portal}", "write a path that ends in /firefly"),
        ("{enabled: true, route: /user/firefly}", "/user belongs to the hub; write another path"),
        ("{enabled: true, replicas: 2}", "which several copies need to share"),
        ("{enabled: true, javaMemory: 4Gi}", "leave Java too little for itself"),
        ("{enabled: true, volumes: [scratch]}", "there is no storage.volumes.scratch"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(tmp_path: Path, keys: str, sentence: str) -> None:
    (tmp_path / "site.yaml").write_text(f"{SITE}firefly: {keys}\n")
    done = CliRunner().invoke(app, ["check", str(tmp_path / "site.yaml")])

    assert done.exit_code == 1
    assert sentence in " ".join(done.output.split())
