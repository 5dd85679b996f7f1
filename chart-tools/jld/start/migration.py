"""A configuration of the original deploy tool, carried over into a site file."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from jld.schema import former_keys
from jld.schema.validation import accepted, is_valid, key_rule
from jld.secrets import formats
from jld.site.tree import Node, describe, find, plain, put, tree
from jld.support.key_paths import JsonMap, KeyPath, dotted
from jld.support.quantities import memory, shortest
from jld.values.sizes import LADDER

SIZES = ("tiny", "small", "medium", "large")  # as the original's size_index counted them
_LAB_CPU, _LAB_MEMORY = 2, "3Gi"  # its defaults
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True)
class Carried:
    """What became of one old key."""

    old: str
    new: tuple[str, ...] = ()
    why: str = ""  # it has no counterpart, or what there is to know


class _Left(Exception):
    """A value that cannot be carried over, and why."""


class Migration:
    """The new site, the secrets for secrets.yaml, and what became of each key."""

    def __init__(self, old: Node, schema: JsonMap, source: Path, target: Path) -> None:
        self._schema = schema
        self._folders = source.absolute().parent, target.absolute().parent
        self._nodes: dict[str, Node] = {}
        self._names: dict[str, str] = {}
        self._site = Node({})
        self.secrets: dict[str, str] = {}
        self.carried: list[Carried] = []
        self._take(old)
        for name, node in self._nodes.items():
            self._carry(name, node)
        order = {written: index for index, written in enumerate(old.value if isinstance(old.value, dict) else ())}
        self.carried.sort(key=lambda each: order[each.old])

    @property
    def site(self) -> JsonMap:
        data: JsonMap = plain(self._site)
        return data

    def _take(self, old: Node) -> None:
        for written, node in old.value.items() if isinstance(old.value, dict) else ():
            name = former_keys.legacy_name(written)
            if name in self._names:
                self.carried.append(Carried(self._names[name], why=f"{written}, further below, says the same and wins"))
            self._nodes[name], self._names[name] = node, written

    def _carry(self, name: str, node: Node) -> None:
        try:
            self._say(name, *self._carried(name, node))
        except _Left as left:
            self._say(name, (), str(left))

    def _say(self, name: str, new: Iterable[KeyPath], why: str = "") -> None:
        self.carried.append(Carried(self._names[name], tuple(dotted(path) for path in new), why))

    def _carried(self, name: str, node: Node) -> tuple[list[KeyPath], str]:
        """Put what `node` says into the site. The new keys, and a remark about them."""
        reason = former_keys.why_no_counterpart(name)
        if reason:
            raise _Left(reason)
        carry = getattr(self, f"_from_{name}", None)
        if carry is None:
            raise _Left("the original tool had no such key either; see `jld explain`")
        if node.value in (None, "", [], "dummy"):
            raise _Left("it is empty")
        result = carry(node)
        paths, remark = result if isinstance(result, tuple) else (result, "")
        return paths, remark

    # Each of these carries one key over. They are found by its name.

    def _from_hostname(self, node: Node) -> list[KeyPath]:
        return self._set(("global", "hostname"), _text(node).lower().rstrip("."))

    def _from_hub_route(self, node: Node) -> list[KeyPath]:
        name = _text(node).strip("/")
        return self._set(("global", "hubRoute"), f"/{name}/" if name else "/")

    def _from_oauth_provider(self, _: Node) -> tuple[list[KeyPath], str]:
        self._github_only()
        return [("hub", "auth", "github")], ""

    def _from_oauth_client_id(self, node: Node) -> list[KeyPath]:
        self._github_only()
        return self._set(("hub", "auth", "github", "clientId"), _text(node))

    def _from_allowed_groups(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._groups("allow", node)

    def _from_forbidden_groups(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._groups("deny", node)

    def _from_volume_size_gigabytes(self, node: Node) -> list[KeyPath]:
        capacity = f"{shortest(_number(node))}Gi"
        server = self._nodes.get("external_fileserver_ip")
        if server and server.value:
            return self._set(("storage", "external", "capacity"), capacity)
        paths = self._set(("storage", "nfs", "capacity"), capacity)
        return [*paths, *self._set(("storage", "mode"), "nfs")]  # the original ran a file server of its own

    def _from_external_fileserver_ip(self, node: Node) -> list[KeyPath]:
        paths = self._set(("storage", "external", "server"), _text(node))
        return [*paths, *self._set(("storage", "mode"), "external")]

    def _from_lab_idle_timeout(self, node: Node) -> list[KeyPath]:
        seconds = max(0, int(_number(node)))
        size, unit = next((each for each in _UNITS if seconds and seconds % each[0] == 0), (1, "s"))
        return self._set(("hub", "culling", "idleTimeout"), f"{seconds // size}{unit}")

    def _from_lab_size_range(self, node: Node) -> list[KeyPath]:
        return self._set(("hub", "lab", "sizeRange"), shortest(_number(node)))

    def _from_size_index(self, node: Node) -> list[KeyPath]:
        index = _number(node)
        if index not in range(len(SIZES)):
            raise _Left(f"found {describe(node)}; it counts {', '.join(SIZES)} from 0")
        return self._set(("hub", "lab", "defaultSize"), SIZES[int(index)])

    def _from_tiny_max_cpu(self, node: Node) -> list[KeyPath]:
        return self._set((*LADDER, "smallestCpu"), shortest(_number(node)))

    def _from_mb_per_cpu(self, node: Node) -> list[KeyPath]:
        return self._set((*LADDER, "memoryPerCpu"), memory(_number(node) * 2**20))

    def _from_lab_cpu_limit(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._one_size("cpu", shortest(_number(node)))

    def _from_lab_mem_limit(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._one_size("memory", _memory(_text(node)))

    def _from_lab_image(self, node: Node) -> list[KeyPath]:
        repository, _, tag = _text(node).partition(":")
        raise _Left(
            f"every image is below global.imageRegistry; bring {repository.rpartition('/')[2] or 'it'} there "
            f"and write hub.lab.image: {{repository: ..., tag: {tag or '...'}}}"
        )

    def _from_tls_cert(self, node: Node) -> tuple[list[KeyPath], str]:
        remark = "append the chain to that file" if self._nodes.get("tls_root_chain") else ""
        return self._set(("nginx", "tls", "certificate"), self._file(node)), remark

    def _from_tls_key(self, node: Node) -> list[KeyPath]:
        return self._set(("nginx", "tls", "key"), self._file(node))

    def _from_tls_root_chain(self, _: Node) -> list[KeyPath]:
        raise _Left("the chain follows the certificate in one file: cat cert.pem chain.pem > fullchain.pem")

    def _from_certificate_directory(self, node: Node) -> tuple[list[KeyPath], str]:
        folder = _text(node).rstrip("/")
        for key, name, file in (("tls_cert", "certificate", "cert.pem"), ("tls_key", "key", "key.pem")):
            if key not in self._nodes:
                self._set(("nginx", "tls", name), self._file(Node(f"{folder}/{file}")))
        remark = "append chain.pem to the certificate: cat cert.pem chain.pem > fullchain.pem"
        return [("nginx", "tls", "certificate"), ("nginx", "tls", "key")], remark

    def _from_oauth_secret(self, node: Node) -> tuple[list[KeyPath], str]:
        self._github_only()
        return self._keep("githubClientSecret", _text(node))

    def _from_session_db_url(self, node: Node) -> tuple[list[KeyPath], str]:
        if _text(node).startswith("sqlite:"):
            raise _Left("SQLite on a claim of its own is the default")
        paths, remark = self._keep("dbUrl", _text(node))
        return [*self._set(("hub", "db", "external"), True), *paths], remark

    def _from_jupyterhub_crypto_key(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._keep("cryptKeys", ";".join(_crypt_key(key) for key in _text(node).split(";") if key.strip()))

    # What several of them need.

    def _set(self, path: KeyPath, value: Any) -> list[KeyPath]:
        rule = key_rule(self._schema, path)
        if not is_valid(value, rule, self._schema):
            raise _Left(f"found {describe(tree(value))}, but {dotted(path)} is {accepted(rule)}")
        self._site = put(self._site, path, tree(value))
        return [path]

    def _keep(self, name: str, text: str) -> tuple[list[KeyPath], str]:
        kind = formats.HUB_SECRETS[name]
        if not kind.matches(text):
            raise _Left(f"what it holds (not shown) is not {kind.accepted}")
        self.secrets[name] = text
        return [("hub", "secret", name)], "in secrets.yaml"

    def _github_only(self) -> None:
        provider = self._nodes.get("oauth_provider")
        if provider and provider.value and str(provider.value).strip().lower() != "github":
            raise _Left(
                f"it belongs to the provider {describe(provider)}; write hub.auth.cilogon or hub.auth.other by hand (docs/login.md)"
            )

    def _groups(self, name: str, node: Node) -> tuple[list[KeyPath], str]:
        self._github_only()
        path: KeyPath = ("hub", "auth", "github", "organizations", name)
        entry = key_rule(self._schema, (*path, 0))
        listed = list(dict.fromkeys(_names(node)))
        right = [each for each in listed if is_valid(each, entry, self._schema)]
        wrong = [describe(Node(each)) for each in listed if each not in right]
        if not right:
            raise _Left(f"found {', '.join(wrong) or 'nobody'}; each is {accepted(entry)}")
        remark = f"without {', '.join(wrong)}, which is not {accepted(entry)}" if wrong else ""
        return self._set(path, right), remark

    def _one_size(self, kind: str, value: Any) -> tuple[list[KeyPath], str]:
        """One limit for every lab: a size of its own, which is the default."""
        if {"tiny_max_cpu", "mb_per_cpu", "size_index"} & set(self._nodes):
            raise _Left("the sizes replace it; see hub.lab.sizes")
        path: KeyPath = ("hub", "lab", "sizes", "standard")
        for name, usual in (("cpu", _LAB_CPU), ("memory", _LAB_MEMORY)):
            if name == kind or find(self._site, (*path, name)) is None:
                self._set((*path, name), value if name == kind else usual)
        self._set(("hub", "lab", "defaultSize"), "standard")
        return [(*path, kind)], "a size of its own"

    def _file(self, node: Node) -> str:
        """The path of a file, as the new site file names it."""
        text = _text(node)
        if "-----BEGIN" in text or "\n" in text:
            raise _Left("it holds the text of the file; save that as a file and name it")
        source, target = self._folders
        file = Path(text).expanduser() if text.startswith("~/") else Path(text)
        if file.is_absolute():
            return str(file)
        return os.path.relpath(source / file, target)


def secrets_file(found: Mapping[str, str]) -> JsonMap:
    """What `jld values` reads from secrets.yaml."""
    return {"hub": {"secret": dict(found)}}


def _text(node: Node) -> str:
    if isinstance(node.value, dict | list | bool) or node.value is None:
        raise _Left(f"found {describe(node)} where the original had text")
    text = node.value if isinstance(node.value, str) else node.written or str(node.value)
    text = text.strip()
    if not text:
        raise _Left("it is empty")
    return text


def _number(node: Node) -> float:
    text = _text(node)
    if not re.fullmatch(r"[-+]?[0-9]{1,12}(\.[0-9]{1,6})?", text):
        raise _Left(f"found {describe(node)} where the original had a number")
    return float(text)


def _names(node: Node) -> list[str]:
    """A list, or what commas separate."""
    if isinstance(node.value, list):
        return [name for child in node.value for name in _names(child)]
    return [name.strip() for name in _text(node).split(",") if name.strip()]


def _memory(text: str) -> str:
    """JupyterHub's own form, whose K, M, G and T are powers of 1024, or a number of bytes."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)", text.upper().removesuffix("IB").removesuffix("I"))
    if not match:
        raise _Left(f"found {describe(Node(text))} where the original had memory like 3G")
    return f"{match[1]}{match[2]}i" if match[2] else memory(float(match[1]), ceil)


def _crypt_key(key: str) -> str:
    """The same key in 64 hex digits: JupyterHub took 32 characters as they are, or base64, too."""
    key = key.strip()
    if len(key) == 32:
        return key.encode().hex()
    if len(key) == 44:
        try:
            return base64.urlsafe_b64decode(key).hex()
        except (binascii.Error, ValueError):
            return key
    return key
