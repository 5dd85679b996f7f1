"""A change restarts the pods that read it, and no others: every restart of nginx cuts somebody's connection."""

import shutil
from pathlib import Path

import pytest
from rendering import CHART, Question, render


def restarted(before: Question, after: Question) -> set[str]:
    """Components whose pods the change replaces."""
    first, second = (
        {each["metadata"]["name"]: each["spec"]["template"] for each in render(question).of_kind("Deployment")}
        for question in (before, after)
    )
    assert set(first) == set(second)
    return {name.removeprefix("jld-") for name in first if first[name] != second[name]}


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ('hub.culling.idleTimeout="8h"', {"hub"}),
        ('hub.auth.admins=["bob"]', {"hub"}),
        ('hub.lab.image.tag="2.0"', {"hub"}),
        ('hub.lab.sizes.tiny={"cpu": 0.1, "memory": "1Gi"}', {"hub"}),
        ('hub.extraConfig={"50-own.py": "c = get_config()"}', {"hub"}),
        ('hub.secret.dummyPassword="YWJj"', {"hub"}),
        ('hub.secret.proxyToken="YWJj"', {"hub"}),
        ('hub.resources.limits.memory="2Gi"', {"hub"}),
        ('nginx.maxBodySize="100m"', {"nginx"}),
        ('nginx.secret.certificate="YWJj"', set()),  # read anew for each handshake
        ("nginx.replicas=2", set()),
        ('nginx.service.annotations={"a": "b"}', set()),
        ("global.port=443", {"hub", "nginx"}),
        ('global.hostname="other.localhost"', {"hub", "nginx"}),
    ],
)
def test_a_change_restarts_those_who_read_it(values: dict[str, Path], change: str, parts: set[str]) -> None:
    assert restarted(Question(values["local"]), Question(values["local"], (change,))) == parts


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("charts/hub/files/jldhub/settings/settings.py", {"hub"}),
        ("charts/hub/files/jupyterhub_config.py", {"hub"}),
        ("charts/hub/files/jupyterhub_config.d/10-hub.py", {"hub"}),
        ("charts/nginx/files/nginx.conf", {"nginx"}),
        ("charts/nginx/files/site.conf", {"nginx"}),
        ("charts/nginx/files/routes.conf", {"nginx"}),
        ("charts/nginx/files/lua/router.lua", {"nginx"}),
        ("charts/nginx/files/starting.html", {"nginx"}),
        ("charts/nginx/files/ffdhe2048.txt", {"nginx"}),
        ("charts/nginx/templates/service.yaml", set()),
    ],
)
def test_a_changed_file_restarts_those_who_read_it(
    values: dict[str, Path], tmp_path: Path, path: str, parts: set[str]
) -> None:
    copy = tmp_path / "jld"
    shutil.copytree(CHART, copy)  # with what the links point at
    unchanged = restarted(Question(values["local"]), Question(values["local"], chart=copy))
    with (copy / path).open("a") as file:
        file.write("\n# changed\n")

    assert unchanged == set()
    assert restarted(Question(values["local"]), Question(values["local"], chart=copy, repetition=1)) == parts
