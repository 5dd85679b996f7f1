"""Every key that a site may write reaches something, and templates read no key that a site may not write."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jld.schema.chart import Chart
from jld.schema.validation import key_paths, key_rule, resolved
from jld.values import log_shipping
from jldhub.images.prepuller.settings import PrepullerSettings
from jldhub.settings.access.services import Role, Service
from jldhub.settings.hub import Limits
from jldhub.settings.lab import Size, Spread, Toleration
from jldhub.settings.lab_images import LabImage
from jldhub.settings.pods.additions import FurtherVolume
from jldhub.settings.settings import Settings
from pydantic import BaseModel

CHECKOUT = Path(__file__).resolve().parents[4]
CHART = Chart(CHECKOUT / "chart")
SCHEMA = CHART.schema()
Key = tuple[str, ...]
VOLUMES = ("storage", "volumes")  # a map, whose entries a site names

_ACTION = re.compile(r"{{-?(.*?)-?}}", re.DOTALL)
_VALUE = re.compile(r"\.Values((?:\.[A-Za-z]+)+)")
_DIG = re.compile(r'\bdig ((?:"[A-Za-z]+" )+)\S+ \.Values((?:\.[A-Za-z]+)*)')
_PICK = re.compile(r'\b(?:pick|omit) \.Values((?:\.[A-Za-z]+)*)((?: "[A-Za-z]+")+)')
# What takes all that is below a value but for what it names. The settings file does so too, and the hub reads that by name.
_ALL_BUT = re.compile(r'^\s*omit \.Values((?:\.[A-Za-z]+)+)((?: "[A-Za-z]+")+) \| toYaml')
# What takes a value with everything below it.
_WHOLE = re.compile(
    r'(?:toYaml|toJson|include "jld\.image" \(list \.|merge dict|range|(?:toYaml|toJson) \()\s*\.Values((?:\.[A-Za-z]+)+)'
)
_PIPED_WHOLE = re.compile(r"\.Values((?:\.[A-Za-z]+)+) \| (?:toYaml|toJson)")


@cache
def templates() -> dict[str, str]:
    """Every text that Helm fills in, with the part whose values it sees."""
    files = [
        *CHART.folder.glob("templates/**/*"),
        *CHART.folder.glob("charts/*/templates/**/*"),
        *CHART.folder.glob("files/*.yaml"),
        *CHART.folder.glob("charts/nginx/files/*.conf"),
        *CHART.folder.glob("charts/logging/files/*.yml"),
        *CHART.folder.glob("charts/storage/manifests/*.yaml"),
    ]
    return {str(file.relative_to(CHART.folder)): file.read_text() for file in files if file.is_file()}


def key(name: str, words: str) -> Key:
    """The key of `.a.b` in the template called `name`: a part sees its own values and `global`."""
    path = tuple(re.findall(r"[A-Za-z]+", words))
    if path[:1] == ("global",):
        return path
    part = re.match(r"charts/([a-z]+)/", name)
    return (part[1], *path) if part else path


@cache
def read_by_templates() -> tuple[frozenset[Key], frozenset[Key]]:
    """Keys that templates read, and keys that they take with everything below."""
    read: set[Key] = set()
    whole: set[Key] = set()
    for name, text in templates().items():
        for action in _ACTION.findall(text):
            if "sha256sum" in action:
                continue  # a checksum notices a value, and does nothing with it
            read |= {key(name, words) for words in _VALUE.findall(action)}
            read |= {key(name, f"{above} {below}") for below, above in _DIG.findall(action)}
            whole |= {key(name, words) for words in (*_WHOLE.findall(action), *_PIPED_WHOLE.findall(action))}
            if 'include "jld.pod"' in action:
                whole |= {key(name, words) for words in _VALUE.findall(action)}
            for above, names in _ALL_BUT.findall(action) if name.startswith("charts/") else ():
                base, left_out = key(name, above), re.findall(r"[A-Za-z]+", names)
                below = {path for path in key_paths(SCHEMA) if path[:-1] == base}
                whole |= {path for path in below if path[-1] not in left_out}
            if re.match(r"\s*with \.Values", action):  # what follows is about the value itself
                whole |= {key(name, words) for words in _VALUE.findall(action)}
    return frozenset(read), frozenset(whole)


@cache
def handed_to_the_hub() -> frozenset[Key]:
    """What the settings file takes from the values: `pick` names it, `omit` names what it leaves out."""
    text = "".join(templates()[f"files/{name}.yaml"] for name in ("settings", "prepuller"))
    handed: set[Key] = set()
    for above, names in _PICK.findall(text):
        base, chosen = key("", above), re.findall(r"[A-Za-z]+", names)
        below = {
            path[: len(base) + 1] for path in key_paths(SCHEMA) if path[: len(base)] == base and len(path) > len(base)
        }
        handed |= (
            {(*base, name) for name in chosen}
            if f"pick .Values{above} " in text
            else {path for path in below if path[-1] not in chosen}
        )
    return frozenset(handed)


@cache
def read_by_the_hub(model: type[BaseModel] = Settings, above: Key = ()) -> frozenset[Key]:
    """The keys of the hub's settings that its Python reads by name, besides checking them."""
    found: set[Key] = set()
    for name, field in model.model_fields.items():
        path = (*above, field.alias or name)
        if name in names_in_python():
            found.add(path)
            if field.annotation == dict[str, Any]:  # all of it is Kubernetes' own
                found |= {each for each in key_paths(SCHEMA) if each[: len(path)] == path}
        for inner in models(field.annotation):
            found |= read_by_the_hub(inner, path)
    return frozenset(found)


@cache
def names_in_python() -> frozenset[str]:
    """What the hub's Python reads of anything: `each.name`."""
    folder = CHECKOUT / "hub-extensions"
    files = [*folder.glob("jldhub/**/*.py"), *folder.glob("jupyterhub_config.d/*.py")]
    return frozenset(name for file in files for name in re.findall(r"\.(\w+)", file.read_text()))


def models(annotation: object) -> list[type[BaseModel]]:
    """The models in a type, such as that of an entry of a map."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models(part)]


@cache
def read_by_the_tool() -> frozenset[Key]:
    """Files and choices that `jld values` turns into secrets, and the ladder that it turns into sizes."""
    values, sizes = ((CHECKOUT / "chart-tools/jld" / name).read_text() for name in ("values/tls.py", "values/sizes.py"))
    tls: Key = ("nginx", "tls")
    ladder: Key = ("hub", "lab", "ladder")
    read = {(*tls, name) for name in re.findall(r'tls(?:\.get\(|\[)"(\w+)"', values)}
    read |= {("logging", part, name) for part, names in log_shipping.FILES.items() for name in names}
    return frozenset(read) | {(*ladder, name) for name in re.findall(r'chosen\["(\w+)"\]', sizes)}


def is_used(path: Key) -> bool:
    read, whole = read_by_templates()
    in_hub = any(path[: len(above)] == above for above in handed_to_the_hub())
    return (
        path in read
        or any(path[: len(above)] == above for above in whole)
        or (in_hub and path in read_by_the_hub() | read_by_the_hub(PrepullerSettings, ("prepuller",)))
        or path in read_by_the_tool()
        or (path[:2] == ("hub", "traits") and ("hub", "traits") in read_by_the_hub())  # classes and traits are names
    )


def leaves() -> list[Key]:
    return [path for path in key_paths(SCHEMA) if "properties" not in key_rule(SCHEMA, path)]


@pytest.mark.parametrize("path", leaves(), ids=".".join)
def test_a_value_is_used(path: Key) -> None:
    assert is_used(path)


NOTHING = [
    ("nginx", "nothing"),
    ("nginx", "service", "nothing"),
    ("nginx", "secret", "nothing"),
    ("hub", "lab", "ladder", "nothing"),
    ("hub", "auth", "nobody"),
]


@pytest.mark.parametrize("path", NOTHING, ids=".".join)
def test_a_value_that_nothing_reads_would_be_found(path: Key) -> None:
    assert not is_used(path)


def test_templates_read_no_value_that_a_site_cannot_write() -> None:
    read, whole = read_by_templates()
    known = set(key_paths(SCHEMA))
    assert len(read) > 40
    read_of_entries = {path for path in read if path[:2] == VOLUMES and key_rule(SCHEMA, path)}
    assert (read | whole | handed_to_the_hub()) - known - read_of_entries == set()


def test_each_key_of_a_volume_is_used_and_no_other() -> None:
    read = {name for text in templates().values() for name in re.findall(r"\$volume\.(\w+)", text)}

    assert read == set(key_rule(SCHEMA, (*VOLUMES, "home"))["properties"])


def test_the_hub_reads_no_setting_that_a_site_cannot_write() -> None:
    of_the_chart = {"names", "secretDirectory", "catalogueDirectory", "trustDirectory"}
    assert {path for path in read_by_the_hub() if path[0] not in of_the_chart and not can_be_written(path)} == set()


def can_be_written(path: Key) -> bool:
    """Whether the schema has the key, where maps and lists stand for what is in them."""
    rule = SCHEMA
    for part in path:
        while "properties" not in rule and (inner := rule.get("additionalProperties") or rule.get("items")):
            rule = resolved(inner, SCHEMA)
        rule = resolved(rule.get("properties", {}).get(part, {}), SCHEMA)
    return bool(rule)


ENTRIES: list[tuple[Key, type[BaseModel]]] = [
    (("hub", "lab", "sizes"), Size),
    (("hub", "lab", "images"), LabImage),
    (("hub", "lab", "pod", "tolerations"), Toleration),
    (("hub", "lab", "pod", "topologySpread"), Spread),
    (("hub", "lab", "volumes"), FurtherVolume),
    (("hub", "roles"), Role),
    (("hub", "culling", "people"), Limits),
]


@pytest.mark.parametrize(("path", "model"), ENTRIES, ids=lambda each: each[-1] if isinstance(each, tuple) else "")
def test_the_hub_knows_each_key_of_an_entry_and_no_other(path: Key, model: type[BaseModel]) -> None:
    rule = key_rule(SCHEMA, path)
    entry = resolved(rule.get("additionalProperties") or rule["items"], SCHEMA)

    assert {field.alias for field in model.model_fields.values()} == set(entry["properties"])


def test_the_hub_knows_each_key_of_a_service_but_its_pods_which_policies_name() -> None:
    entry = key_rule(SCHEMA, ("hub", "services", "any"))

    assert {field.alias for field in Service.model_fields.values()} | {"pods"} == set(entry["properties"])
    assert "$service.pods" in templates()["charts/hub/templates/hub/networkpolicy.yaml"]
