"""Every key of the values: which pods a change of it replaces. Those that read it, and no others."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.schema.chart import Chart
from jld.schema.validation import key_paths, key_rule
from jldhub.settings.settings import Settings
from pydantic import BaseModel
from rendering import CHART, KUBERNETES, Object, Render, helm, lean_chart

SCHEMA, DEFAULTS = Chart(CHART).schema(), Chart(CHART).defaults()
Key = tuple[str, ...]

IMAGES = {"hub", "prepuller"}
HELD = {"room-gpu", "room-medium"}
OURS = {"file-server", "filebeat", "hub", "keepalive", "nginx", "prepuller", "relay"}
EVERY = OURS | {"firefly"}
# The longest beginning of a key counts. What is below `hub` and not here is in the hub's settings, or nobody reads it.
PODS: dict[str, set[str]] = {
    "global.hostname": {"hub", "nginx", "prepuller"},  # which is reached past a proxy
    "global.port": {"hub", "nginx"},
    "global.hubRoute": {"hub", "nginx"},
    "global.userNamespaces": {"hub", "prepuller"},
    **{f"{part}.network": set() for part in ("global", "firefly", "prepuller", "nginx", "storage", "logging")},
    "global.certificateAuthorities": {"hub"},  # the prepuller reads it anew in each round, and a lab at its start
    "global.proxy": {"hub", "prepuller"},
    "global.imageRegistry": OURS | HELD,
    "global.imagePullSecrets": EVERY | HELD,
    "global.imagePullPolicy": EVERY,
    # But where a part says otherwise in the example.
    "global.pod": EVERY - {"filebeat"},
    "global.pod.nodeSelector": EVERY - {"filebeat", "firefly"},
    "global.pod.tolerations": EVERY - {"filebeat", "nginx", "file-server"},
    "global.pod.priorityClassName": EVERY - {"filebeat", "hub", "file-server"},
    "global.pod.runtimeClassName": EVERY - {"filebeat", "prepuller"},
    "global.pod.labels": EVERY - {"file-server", "keepalive"},
    "global.pod.annotations": EVERY,
    "hub.pod": {"hub"},
    "storage.pod": {"file-server", "keepalive"},
    "storage.pod.tolerations": {"keepalive"},
    "storage.pod.priorityClassName": {"keepalive"},
    "logging.pod": {"relay"},
    **{
        f"{part}.pod.serviceAccount": set()  # of the account, which a pod reads when it starts
        for part in (
            *("global", "hub", "nginx", "firefly", "prepuller", "storage", "storage.nfs", "logging"),
            "logging.filebeat",
        )
    },
    "hub.lab.pod": IMAGES | HELD,
    "hub.lab.pod.nodeSelector": IMAGES | {"room-medium"},  # the size gpu has another pool
    "hub.lab.pod.priorityClassName": IMAGES,
    "hub.lab.pod.topologySpread": {"hub"} | HELD,
    **{f"hub.lab.pod.{key}": {"hub"} for key in ("serviceAccount", "initContainers", "containers", "lifecycle")},
    **{f"hub.{key}": {"hub"} for key in ("environment", "files", "volumes")},
    "hub.image": IMAGES | HELD,
    "hub.secret": {"hub"},
    "hub.existingSecret": {"hub"},
    "hub.metrics": {"hub"},  # it is told whether anybody reads
    "hub.extraConfig": {"hub"},
    "hub.resources": {"hub"},
    "hub.log": IMAGES,
    **{
        f"hub.lab.{key}": IMAGES
        for key in (
            *("image", "images", "defaultImage", "sizes", "defaultSize"),
            "provisionHomes",
        )
    },
    "firefly": {"firefly"},
    "firefly.enabled": {"firefly", "hub"},
    "firefly.route": {"firefly", "hub"},
    "firefly.replicas": set(),
    "firefly.volumes": {"firefly"},
    "prepuller": {"prepuller"},
    "prepuller.enabled": {"hub", "prepuller"},
    "prepuller.metrics": set(),
    "nginx": {"nginx"},
    "nginx.replicas": set(),
    "nginx.controllers": set(),
    "nginx.service": set(),
    "nginx.ingress": set(),
    "nginx.gateway": set(),
    "nginx.secret": set(),  # read anew for handshakes
    "nginx.tls.certificate": set(),  # for `jld values`, as the next
    "nginx.tls.key": set(),
    "nginx.tls.selfSigned": set(),
    "nginx.tls.letsencrypt.server": set(),  # for cert-manager, as the next
    "nginx.tls.issuer": set(),
    "storage.mode": {"file-server"},
    "storage.volumes": {"file-server", "firefly", "hub"},
    "storage.homes": {"file-server", "hub"},  # the file server would not hold homes
    "storage.perPerson": {"hub"},
    "storage.nfs": {"file-server"},
    **{
        f"storage.nfs.{key}": set()  # each with its reason in test_restarts.py
        for key in (
            *("capacity", "storageClass", "provisioner", "parameters", "accessMode"),
            *("networkPolicy", "address", "mountOptions", "podDisruptionBudget"),
        )
    },
    "storage.keepalive": {"keepalive"},
    "storage.image": {"keepalive"},
    "logging.enabled": {"filebeat", "relay"},
    "logging.pipeline": {"relay", "logs"},
    **{
        f"logging.{key}": {"filebeat"}
        for key in (
            *("shipperName", "containers", "excludeNamespaces", "dropLines", "podLabels", "serviceName", "filebeat"),
            *("secret.caCertificate", "secret.certificate", "secret.key"),
        )
    },
    **{f"logging.broker.{key}": {"relay"} for key in ("host", "port", "vhost", "exchange", "routingKey", "user")},
    "logging.existingSecret": {"filebeat", "relay"},
    "logging.relay": {"relay"},
    "logging.relay.image": {"filebeat", "relay"},
    "logging.relay.replicas": set(),
    "logging.metrics": {"filebeat"},
}
# Helm refuses them: `jld values` works out what they mean.
WORKED_OUT = ("hub.lab.ladder", "hub.lab.quota.labs", "hub.lab.placeholders.counts")


def is_setting(path: Key, model: type[BaseModel] = Settings) -> bool:
    """Whether the hub's settings hold the key."""
    for name, field in model.model_fields.items():
        if (field.alias or name) == path[0]:
            inner = [each for each in models(field.annotation) if len(path) > 1]
            return not inner or any(is_setting(path[1:], each) for each in inner)
    return False


def models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models(part)]


def expected(path: Key) -> set[str]:
    name = ".".join(path)
    rows = [row for row in PODS if name == row or name.startswith(f"{row}.")]
    if rows:
        return PODS[max(rows, key=len)]
    return {"hub"} if path[0] == "hub" and is_setting(path) else set()


def keys() -> list[Key]:
    leaves = [path for path in key_paths(SCHEMA) if "properties" not in key_rule(SCHEMA, path)]
    return [path for path in leaves if not ".".join(path).startswith(WORKED_OUT)]


def look(document: Any, path: Key) -> Any:
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def another(rule: dict[str, Any], now: Any) -> Any:
    """Another value of the kind. It need not be a good one: the schema is not asked."""
    if "enum" in rule:
        return next(value for value in rule["enum"] if value != now)
    examples = [value for value in rule.get("examples", []) if value != now]
    kinds = rule["type"] if isinstance(rule.get("type"), list) else [rule.get("type", "string")]
    if isinstance(now, list) and now:
        return now[:-1]
    if examples:
        return examples[0]
    if "boolean" in kinds:
        return not now
    if isinstance(now, int | float) or ("string" not in kinds and {"number", "integer"} & set(kinds)):
        return (now or 1) + 1
    if kinds[0] in ("array", "object"):
        return ["other"] if kinds[0] == "array" else {**(now or {}), "other": "x"}
    return f"{now or ''}1"


@cache
def written(values: Path) -> Any:
    return yaml.load(values.read_text(), yaml.CSafeLoader)


@cache
def templates(values: Path, change: str = "") -> dict[str, Object]:
    sets = ["--set-json", change] if change else []
    words = ["--skip-schema-validation", "--kube-version", KUBERNETES[-1], "jld", lean_chart(), "--namespace=science"]
    done = helm("helm3", "template", *words, "--values", values, *sets)
    assert done.returncode == 0, done.stderr
    objects = Render(done.stdout).objects
    kinds = ("Deployment", "DaemonSet", "StatefulSet")
    found = {each["metadata"]["name"]: each["spec"]["template"] for each in objects if each["kind"] in kinds}
    return {name.removeprefix("jld-"): template for name, template in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("path", keys(), ids=".".join)
def test_a_change_replaces_the_pods_that_read_it(values: dict[str, Path], path: Key) -> None:
    site = values["everything"]
    now = look(written(site), path)
    value = another(key_rule(SCHEMA, path), look(DEFAULTS, path) if now is None else now)
    before, after = templates(site), templates(site, f"{'.'.join(path)}={json.dumps(value)}")

    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == expected(path)


def test_each_row_is_about_a_key() -> None:
    known = {".".join(path[:length]) for path in key_paths(SCHEMA) for length in range(1, len(path) + 1)}

    assert {*PODS, *WORKED_OUT} - known == set()
