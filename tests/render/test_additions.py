"""What a site adds to the hub and to labs, in the rendered chart: nothing secret where anybody reads it, and only where it belongs."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

import pytest
from jld.rules.additions.parts import HUB, PREFIXES
from rendering import Question, Render, refusal, render

SECRET = {"secret": "own", "key": "word"}
BRACES = "text {{ x }} {y}: é\n"
ADDED: dict[str, Any] = {
    "environment": {"A": BRACES, "B": SECRET},
    "files": {"/etc/own/a": BRACES, "/etc/own/empty": "", "/etc/own/b": SECRET},
    "volumes": {"own": {"mountPath": "/own", "subPath": "a", "emptyDir": {"sizeLimit": "1Gi"}}},
}
CONTAINER = {
    "name": "own",
    "image": "quay.io/x/own:1",
    "args": [BRACES],
    "volumeMounts": [{"name": "own", "mountPath": "/x"}],
}
LENIENT = {
    "name": "lenient",
    "image": "quay.io/x/own:1",
    "securityContext": {"runAsUser": 7, "readOnlyRootFilesystem": False},
    "resources": {"limits": {"cpu": "1"}},
}
POD = {
    "initContainers": [CONTAINER],
    "containers": [LENIENT],
    "lifecycle": {"postStart": {"exec": {"command": [BRACES]}}},
}


def rendered(values: Path, part: str, **more: Any) -> Render:
    sets = [f"{part}.{key}={json.dumps(value)}" for key, value in {**ADDED, **more}.items()]
    return render(Question(values, tuple(sets)))


def hub(found: Render) -> dict[str, Any]:
    spec: dict[str, Any] = found.one("Deployment", "jld-hub")["spec"]["template"]["spec"]
    return spec


def test_the_names_that_jld_has_in_the_hub_are_those_that_the_tool_refuses(values: dict[str, Path]) -> None:
    proxy = ('global.proxy.https="http://10.20.0.5:3128"',)
    spec = hub(render(Question(values["minimal"], proxy)))
    (own,) = spec["containers"]
    variables = {each["name"] for each in own["env"]}
    assert {name for name in variables if not name.startswith(tuple(PREFIXES))} <= set(HUB.variables)
    assert "HTTPS_PROXY" in variables
    assert {volume["name"] for volume in spec["volumes"]} <= HUB.volumes
    paths = [PurePath(each["mountPath"]) for each in own["volumeMounts"]]
    assert [path for path in paths if not any(path.is_relative_to(place) for place in HUB.mounts)] == []


def test_the_hub_has_them_as_they_were_written(values: dict[str, Path]) -> None:
    found = rendered(values["local"], "hub", pod=POD)
    spec = hub(found)
    first, beside = spec["containers"]
    env = {each["name"]: each.get("value", each.get("valueFrom")) for each in first["env"]}
    assert (env["A"], env["B"]) == (BRACES, {"secretKeyRef": {"name": "own", "key": "word"}})
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert volumes["own"] == {"name": "own", "emptyDir": {"sizeLimit": "1Gi"}}
    mounts = {each["mountPath"]: each for each in first["volumeMounts"]}
    assert mounts["/own"] == {"name": "own", "mountPath": "/own", "subPath": "a"}
    texts = found.one("ConfigMap", volumes["files"]["configMap"]["name"])
    assert texts["immutable"] is True
    for path in ("/etc/own/a", "/etc/own/empty"):
        assert (mounts[path]["name"], mounts[path]["readOnly"]) == ("files", True)
        assert texts["data"][mounts[path]["subPath"]] == ADDED["files"][path]
    assert len(texts["data"]) == 2
    (source,) = volumes["secret-files"]["projected"]["sources"]
    assert source == {"secret": {"name": "own", "items": [{"key": "word", "path": mounts["/etc/own/b"]["subPath"]}]}}
    assert first["lifecycle"] == POD["lifecycle"]
    (init,) = spec["initContainers"]
    assert init["args"] == [BRACES]
    assert init["securityContext"] == first["securityContext"]
    assert init["resources"]["limits"].keys() == {"cpu", "memory"}
    assert beside == LENIENT | {"securityContext": init["securityContext"] | LENIENT["securityContext"]}


def test_labs_get_them_from_the_settings_and_nobody_else_does(values: dict[str, Path]) -> None:
    before, found = render(Question(values["local"])), rendered(values["local"], "hub.lab", pod=POD)
    lab = found.settings()["hub"]["lab"]
    assert lab["environment"]["A"] == lab["files"]["/etc/own/a"] == BRACES
    assert (lab["files"]["/etc/own/b"], lab["pod"]) == (SECRET, lab["pod"] | POD)
    changed = [
        each["metadata"]["name"]
        for each in found.objects
        if each not in before.objects and each["kind"] in ("Deployment", "DaemonSet", "StatefulSet", "ConfigMap")
    ]
    assert [name for name in changed if not name.startswith("jld-hub")] == []


def test_placeholders_and_the_prepuller_take_none_of_labs(values: dict[str, Path]) -> None:
    found = render(Question(values["everything"]))
    placeholder = found.one("Deployment", "jld-room-medium")["spec"]["template"]["spec"]
    assert [each["name"] for each in placeholder["containers"]] == ["placeholder"]
    assert "initContainers" not in placeholder
    text = "".join(json.dumps(each) for each in found.objects if "prepuller" in each["metadata"]["name"])
    assert "quay.io/my-org/proxy" not in text
    assert "PGPASSWORD" not in text


@pytest.mark.parametrize("name", ["HOME", "JUPYTERHUB_API_TOKEN", "JLD_X"])
def test_helm_alone_refuses_a_variable_of_jlds_own(values: dict[str, Path], name: str) -> None:
    said = refusal(Question(values["local"], (f'hub.lab.environment={{"{name}": "x"}}',)))
    assert f"invalid propertyName '{name}'" in said


def test_the_hub_may_read_the_secrets_that_it_copies_to_labs_and_no_others(values: dict[str, Path]) -> None:
    of_people = ("global.userNamespaces=true", f"hub.environment={json.dumps({'A': {'secret': 'hubs', 'key': 'k'}})}")
    added = {
        "environment": {"A": SECRET, "B": "text"},
        "files": {"/etc/x": {"secret": "of-file", "key": "k"}},
        "volumes": {
            "a": {"mountPath": "/a", "secret": {"secretName": "of-volume"}},
            "b": {"mountPath": "/b", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "of-driver"}}},
            "c": {"mountPath": "/c", "emptyDir": {"sizeLimit": "1Gi"}},
        },
    }
    sets = (*of_people, *(f"hub.lab.{key}={json.dumps(value)}" for key, value in added.items()))
    role = render(Question(values["local"], sets)).one("Role", "jld-hub-user-namespaces")
    secrets = [rule["resourceNames"] for rule in role["rules"] if rule["resources"] == ["secrets"]]
    assert sorted(name for names in secrets for name in names) == ["of-driver", "of-file", "of-volume", "own"]
