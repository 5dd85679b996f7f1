"""The reference of every key, as Markdown, from the schema."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from jld.explain.keys import Key, all_keys
from jld.rules import between_keys
from jld.secrets import formats
from jld.site.yaml_writer import inline
from jld.support.key_paths import JsonMap, KeyPath, dotted

HEAD = """\
# Reference of the values

Written by `jld docs` from the chart's schema; `jld explain KEY` says the same on the command line, with an example.
A site file holds only what differs from the defaults. Unknown keys are refused.
"""
DH = """\
There is no key for Diffie-Hellman parameters of your own, and none are generated. Without `nginx.tls.dhe` the front door offers no
cipher that uses any; with it they are the ones of RFC 7919, which a client can tell to be good.
"""


def reference(schema: JsonMap) -> str:
    """The text of docs/reference.md."""
    keys = list(all_keys(schema))
    parts = [HEAD]
    for part in dict.fromkeys(str(key.path[0]) for key in keys):
        own = [key for key in keys if key.path[0] == part]
        parts.append("\n".join(_part(own)) + "\n")
    parts.append("\n".join(_between_keys(schema)) + "\n")
    parts.append("\n".join(_secrets()) + f"\n\n{DH}")
    return "\n".join(parts)


def _part(keys: list[Key]) -> Iterator[str]:
    yield f"## {keys[0].name}\n\n{keys[0].description}\n"
    yield "| key | type | default | meaning | accepted | since |\n|---|---|---|---|---|---|"
    for key in keys[1:]:
        if key.keys:
            cells = (f"**{key.name}**", "", "", f"**{key.description}**", "", key.since)
        else:
            default = f"`{inline(key.default)}`" if key.has_default else ""
            accepted = "" if key.accepted == key.type else key.accepted
            cells = (f"`{key.name}`", key.type, default, key.description, accepted, key.since)
        yield "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|")


def _between_keys(schema: JsonMap) -> Iterator[str]:
    yield "## Rules between keys"
    yield ""
    for path, message in dict.fromkeys(_messages(schema, ())):
        yield f"* `{dotted(path)}`: {message}."
    for rule in between_keys.RULES:
        yield f"* {inspect.getdoc(rule)}"


def _messages(rule: JsonMap, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The sentences about rules between keys, each with the key that it belongs to."""
    if "x-message" in rule:
        yield path, str(rule["x-message"])
    for name, child in rule.get("properties", {}).items():
        yield from _messages(child, (*path, name))
    for child in (*rule.get("allOf", ()), *rule.get("oneOf", ()), *rule.get("anyOf", ()), rule.get("then")):
        if isinstance(child, dict):
            yield from _messages(child, path)


def _secrets() -> Iterator[str]:
    yield "## Secrets"
    yield ""
    yield "No site file holds them. `jld values` keeps those of an earlier run, else takes them from the file named with `--secrets`,"
    yield "from `secrets.yaml` beside the site file (plain text, below `hub.secret`), or from the environment. It makes what it can,"
    yield "and on a terminal asks for the rest. A secrets file may be encrypted with age; `--identity FILE` or `JLD_AGE_IDENTITY` names"
    yield "what opens it. One of another kind is decrypted on the way: `--secrets <(sops decrypt FILE)`."
    yield "\n| key of `hub.secret` | form | variable | when it is given nowhere |\n|---|---|---|---|"
    for name, secret in formats.HUB_SECRETS.items():
        otherwise = "generated once" if secret.generate else "asked for on a terminal, else an error"
        yield f"| `{name}` | {_cell(secret.accepted)} | `{formats.environment_variable(name)}` | {otherwise} |"
    yield f"| `services.NAME`, for one of `hub.services` | {formats.SERVICE_TOKEN.accepted} | none | generated once |"
    broker = formats.BROKER_PASSWORD_FORMAT
    yield (
        f"| `{dotted(formats.BROKER_PASSWORD)}` (with its whole path) | {broker.accepted} "
        f"| `{formats.environment_variable('brokerPassword')}` | asked for on a terminal, else an error |"
    )
    yield f"| `{dotted(formats.FIREFLY_PASSWORD)}` (with its whole path) | text | `{formats.FIREFLY_PASSWORD_VARIABLE}` | generated once |"
    yield ""
    yield "A variable wins over what an earlier run wrote, and a secrets file over both."
