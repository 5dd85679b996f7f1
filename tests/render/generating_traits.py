"""hypothesis strategies for `hub.traits` and `hub.auth.other`, made from the table of what the hub's image has.

Most of what they draw is right. What is not, the tool has to refuse.
"""

from __future__ import annotations

from typing import Any

from generating import ADDRESSES, Data
from hypothesis import strategies as st
from jld.rules.traits import hub_image
from jld.rules.traits.authenticators import OTHER_WAY
from jld.rules.traits.owned import CLASSES, OPTIONS, OWNED

_SELECTOR = {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["labs"]}]}
_TERM = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "noisy"}}}
# Maps and lists that Kubernetes is handed: drawn ones would hardly ever be right.
RIGHT: dict[str, Any] = {
    "tolerations": [{"key": "labs", "operator": "Exists", "effect": "NoExecute", "toleration_seconds": 60}],
    "node_selector": {"example.org/pool": "labs"},
    "node_affinity_required": [_SELECTOR],
    "node_affinity_preferred": [{"weight": 5, "preference": _SELECTOR}],
    "pod_affinity_required": [_TERM],
    "pod_anti_affinity_required": {"a": _TERM},
    "pod_affinity_preferred": [{"weight": 5, "podAffinityTerm": _TERM}],
    "pod_anti_affinity_preferred": [{"weight": 5, "podAffinityTerm": _TERM}],
    "lifecycle_hooks": {"post_start": {"exec": {"command": ["ls"]}}, "preStop": {"sleep": {"seconds": 5}}},
    "extra_resource_limits": {"nvidia.com/gpu": "1", "ephemeral-storage": "50Gi"},
    "extra_resource_guarantees": {"ephemeral-storage": "20Gi"},
    "image_pull_policy": "Always",
    "extra_annotations": {"example.org/team": "data"},
    "environment": {"TZ": "UTC"},
    "group_overrides": {"01-a": {"groups": ["a"], "spawner_override": {"http_timeout": 60}}},
    "scope": ["openid", "email"],
    "hosted_domain": ["example.org"],
    "tenant_id": "common",
    "auth0_domain": "lab.eu.auth0.com",
    "openshift_auth_api_url": "https://oauth.example.org",  # else the class asks a server for it
}
_TEXT = st.sampled_from(["a", "labs", "", "a b", "{username}", "https://a.example.org/x", "Always"])
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "Bool": st.booleans(),
    "Int": st.integers(0, 90),
    "Float": st.floats(0, 1),
    "List": st.lists(_TEXT, max_size=2),
    "Set": st.lists(_TEXT, max_size=2),
    "Command": st.lists(_TEXT, min_size=1, max_size=2),
    "Dict": st.dictionaries(_TEXT, _TEXT, max_size=2),
    "Any": _TEXT,
}
_ODD = st.sampled_from([True, 7, -1, 0.5, "", "a", [], ["a"], [1], {}, {"a": "b"}, {"a": {"b": 1}}, {"a": None}])


def traits() -> st.SearchStrategy[Data]:
    """`hub.traits`."""
    classes = {name: _of_class(hub_image.traits(name), OWNED[name], 3) for name in CLASSES}
    return st.fixed_dictionaries({}, optional=classes)


def logins() -> st.SearchStrategy[Data]:
    """`class` and `options` of `hub.auth.other`."""
    usable = [name for name, login in hub_image.table()["logins"].items() if "class" in login and name not in OTHER_WAY]
    return st.sampled_from([*usable, "generic-oauth"]).flatmap(_login)


def _login(name: str) -> st.SearchStrategy[Data]:
    options = _of_class(hub_image.table()["options"][name], OPTIONS, 4)
    complete = ADDRESSES if name == "generic-oauth" else {}
    needed = {"azuread": "tenant_id", "auth0": "auth0_domain", "openshift": "openshift_auth_api_url"}.get(name)
    complete = complete | ({needed: RIGHT[needed]} if needed else {})
    subject = {"bitbucket": "uuid", "gitlab": "id", "google": "id", "openshift": "metadata.uid"}.get(name, "sub")
    return options.map(lambda drawn: {"class": name, "subjectClaim": subject, "options": complete | drawn})


def _of_class(known: dict[str, Any], owned: Any, most: int) -> st.SearchStrategy[Data]:
    free = sorted(known.keys() - set(owned))
    names = st.lists(st.sampled_from(free), max_size=most, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: _value(name, known[name]) for name in chosen}))


def _value(name: str, described: Data) -> st.SearchStrategy[Any]:
    right = st.just(RIGHT[name]) if name in RIGHT else _of_kind(described)
    return st.integers(0, 14).flatmap(lambda dice: _ODD if dice == 0 else right)


def _of_kind(described: Data) -> st.SearchStrategy[Any]:
    if described["kind"] == "Union":
        return _of_kind(next(each for each in described["any"] if each["kind"] != "Callable"))
    if described["kind"] == "Enum":
        return st.sampled_from(described["of"])
    return _KINDS.get(described["kind"], _TEXT)
