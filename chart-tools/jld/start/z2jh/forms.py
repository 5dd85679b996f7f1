"""Values as Zero to JupyterHub has them, in JLD's forms."""

from __future__ import annotations

import re
from math import ceil
from typing import Any

from jld.site.tree import Node, describe, plain
from jld.start.legacy_values import NotMigrated, number_of
from jld.support.key_paths import map_at
from jld.support.quantities import amount, memory, shortest

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def wrong(node: Node, belongs: str) -> NotMigrated:
    return NotMigrated(f"found {describe(node)} where {belongs} belongs")


def text(node: Node) -> str:
    if isinstance(node.value, str) and node.value.strip():
        return node.value.strip()
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.written or str(node.value)
    raise wrong(node, "text")


def boolean(node: Node) -> bool:
    if not isinstance(node.value, bool):
        raise wrong(node, "true or false")
    return node.value


def whole(node: Node) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float | str):
        raise wrong(node, "a whole number")
    number = number_of(node)
    if number != int(number) or number < 0:
        raise wrong(node, "a whole number")
    return int(number)


def duration(node: Node) -> str:
    return f"{whole(node)}s"


def names(node: Node) -> list[str]:
    """A list of texts; a set that YAML knows as a map, or one text, too."""
    if isinstance(node.value, list):
        return list(dict.fromkeys(text(each) for each in node.value))
    return [text(node)]


def entries(node: Node) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise wrong(node, "keys and values")
    return node.value


def maps(node: Node) -> list[dict[str, Node]]:
    """A list of maps, or a map of them, which newer versions take in its place."""
    if isinstance(node.value, dict):
        return [{"name": Node(name), **entries(each)} for name, each in node.value.items() if each.value is not None]
    if not isinstance(node.value, list):
        raise wrong(node, "a list")
    return [entries(each) for each in node.value]


def cores(node: Node) -> int | float:
    found = amount(node.value)
    if found is None or not 0 < found < 10**6:
        raise wrong(node, "a number of cores")
    return shortest(found)


def bytes_of(node: Node) -> str:
    """JupyterHub's K, M, G and T are powers of 1024."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([KMGT]?)(?:iB?|B)?", text(node), re.IGNORECASE)
    if not match or not float(match[1]):
        raise wrong(node, "memory like 3G")
    return memory(max(2**20, float(match[1]) * _UNITS[match[2].upper()]), ceil)


def disk(node: Node) -> str:
    """A quantity of Kubernetes."""
    found = amount(text(node))
    if not found or found > 2**60:
        raise wrong(node, "an amount like 10Gi")
    return text(node) if re.fullmatch(r"[1-9][0-9]*(Mi|Gi|Ti)", text(node)) else memory(found, ceil)


def toleration(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {key: child for key, child in plain(Node(entries(node))).items() if child not in (None, "")}
    return {"operator": "Equal" if "value" in found else "Exists", **found}


def tolerations(node: Node) -> list[dict[str, Any]]:
    if not isinstance(node.value, list):
        raise wrong(node, "a list")
    return [toleration(each) for each in node.value]


def variables(node: Node) -> dict[str, Any]:
    """Variables: name to text, or to where that stands in a Secret. What is neither is None."""
    if isinstance(node.value, list):
        listed = {
            text(each.get("name", Node(None))): Node({k: v for k, v in each.items() if k != "name"})
            for each in maps(node)
        }
    else:
        listed = entries(node)
    return {name: _variable(each) for name, each in listed.items()}


def _variable(node: Node) -> Any:
    if not isinstance(node.value, dict):
        return None if isinstance(node.value, list) or node.value is None else _as_text(node)
    if "value" in node.value:
        return _variable(node.value["value"])
    secret = map_at(plain(node), "valueFrom", "secretKeyRef")
    return {"secret": secret["name"], "key": secret["key"]} if {"name", "key"} <= secret.keys() else None


def _as_text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else node.written or str(node.value)


def files(node: Node) -> dict[str, Any]:
    """Files by path. One that is no text is None."""
    found: dict[str, Any] = {}
    for name, each in entries(node).items():
        one = plain(each) if isinstance(each.value, dict) else {}
        path = one.get("mountPath")
        content = one.get("stringData")
        found[path if isinstance(path, str) else name] = content if isinstance(content, str) else None
    return found


def volumes(sources: Node | None, mounts: Node | None, home: str) -> dict[str, Any]:
    """Volumes with their mounts, by name. One that JLD does not know is None."""
    known = {text(each["name"]): plain(Node(each)) for each in maps(sources) if "name" in each} if sources else {}
    found: dict[str, Any] = {}
    for each in maps(mounts) if mounts else []:
        mount = plain(Node(each))
        name, path = str(mount.get("name")), mount.get("mountPath")
        own = {kind: known.get(name, {})[kind] for kind in _SOURCES if isinstance(known.get(name, {}).get(kind), dict)}
        if not isinstance(path, str) or len(own) != 1:
            found[name] = None
            continue
        path = path.removeprefix(home) if path.startswith(f"{home}/") else path
        if "emptyDir" in own:
            usual = "1Gi" if own["emptyDir"].get("medium") == "Memory" else "10Gi"
            own["emptyDir"] = {"sizeLimit": usual, **{k: v for k, v in own["emptyDir"].items() if v}}
        entry = {"mountPath": path.rstrip("/") or path, **own}
        entry |= {key: mount[key] for key in ("readOnly", "subPath") if mount.get(key)}
        free, number = name, 2
        while free in found:
            free, number = f"{name}-{number}", number + 1
        found[free] = entry
    return found | {
        name: None for name in known if not any(each == name or each.startswith(f"{name}-") for each in found)
    }


_SOURCES = ("configMap", "secret", "csi", "emptyDir", "persistentVolumeClaim")
