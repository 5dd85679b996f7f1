"""From site files to the values that the chart is installed with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jld.rules import firefly, rules, storage
from jld.schema import validation
from jld.schema.chart import Chart
from jld.secrets import kinds, pem_files
from jld.site import encrypted
from jld.site.reader import load
from jld.site.tree import Node, coalesce, find, merge, nearest, plain, put, tree
from jld.support.errors import Place, Problem, SiteError
from jld.support.key_paths import JsonMap, KeyPath, dotted, value_at
from jld.values.misplaced import HUB_SECRET, of_the_original, stray_keys
from jld.values.sizes import worked_out

if TYPE_CHECKING:
    from jld.secrets.certificates import (  # loaded where a certificate is read: most sites need none of it
        Pair,
        SelfSigned,
    )

NGINX_SECRET: KeyPath = ("nginx", "secret")


@dataclass(frozen=True)
class Sources:
    """Where values and secrets come from. A later one wins: previous output, site, environment, secrets file."""

    sites: Sequence[Path]
    secrets_file: Path | None = None
    previous: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    free_address: Callable[[], str] | None = None  # asks the cluster; None where nothing may be asked
    identity: Path | None = None  # opens a secrets file that is encrypted


@dataclass(frozen=True)
class Values:
    """A site that is right, and complete."""

    data: JsonMap  # what is written: the site's own keys and the secrets
    effective: JsonMap  # the same over the chart's defaults
    warnings: Sequence[Problem]
    made: Sequence[str]  # key paths of the secrets that were generated now


class SecretMissing(Problem):
    """A secret that nobody can make is not there: a person may be asked for it."""


def assemble(sources: Sources, chart: Chart, now: datetime) -> Values:
    """Merge, complete and validate. Raises `SiteError` with every mistake of all files."""
    return _Assembly(sources, chart, now).run()


class _Assembly:
    def __init__(self, sources: Sources, chart: Chart, now: datetime) -> None:
        self.sources = sources
        self.now = now
        self.schema = chart.schema()
        self.defaults = chart.defaults()
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.made: list[str] = []
        self.site = Node({})
        self.previous = Node({})

    def run(self) -> Values:
        self._read()
        written = self.site
        self.site = worked_out(self.site, self.schema, self.defaults)
        self._collect_hub_secrets()
        self._tls()
        self._complete_hub_secrets()
        self._firefly()
        self._storage()
        effective = self._effective()
        self.problems += validation.problems(self.site, effective, self.schema)
        self.problems += rules.broken(self.site, effective)
        if self.problems:
            raise SiteError(self.problems)
        self.warnings += rules.doubtful(written, effective)
        data = _without_idle_nulls(plain(self.site), self.defaults)
        for part in ("hub", "nginx", "firefly"):
            if isinstance(value_at(data, part, "secret"), dict):
                data[part]["secret"] = dict(sorted(data[part]["secret"].items()))
        return Values(data, effective, sorted(self.warnings, key=lambda warning: warning.order), self.made)

    def _effective(self) -> JsonMap:
        return coalesce(self.defaults, plain(self.site))

    def _read(self) -> None:
        roots = [root for file in self.sources.sites if (root := self._load(file))]
        given = self._load(self.sources.secrets_file, secret=True) if self.sources.secrets_file else None
        previous = self._load(self.sources.previous) if self.sources.previous else None
        if self.problems:
            raise SiteError(self.problems)
        self.problems += [problem for root in roots if (problem := of_the_original(root))]
        self.site = reduce(merge, roots)
        self.previous = previous or self.previous
        self.given = given or Node({})
        self.problems += stray_keys(self.given)
        if find(self.given, ("sops",)):
            raise SiteError(self.problems)

    def _load(self, file: Path, secret: bool = False) -> Node | None:
        try:
            return encrypted.load(file, self.sources.identity) if secret else load(file)
        except SiteError as error:
            self.problems += error.problems
            return None

    def _collect_hub_secrets(self) -> None:
        known = value_at(self.schema, "properties", "hub", "properties", "secret", "properties") or {}
        for name, node in _children(self.previous, HUB_SECRET):
            if name in known and find(self.site, (*HUB_SECRET, name)) is None:
                self._put((*HUB_SECRET, name), node)
        wanted = self._wanted()
        for name in kinds.HUB_SECRETS:
            self._take((*HUB_SECRET, name), kinds.variable(name) if name in wanted else "")

    def _take(self, path: KeyPath, variable: str) -> None:
        """A secret of the secrets file, else of the environment, where one of them has it."""
        node = find(self.given, path)
        text = self.sources.environment.get(variable, "").strip() if variable else ""
        if node is None and text:
            self._put(path, Node(kinds.encode(text), Place(f"${variable}")))
        elif node is not None and isinstance(node.value, str) and node.value:
            self._put(path, replace(node, value=kinds.encode(node.value.rstrip("\r\n"))))
        elif node is not None:
            plain_text, empty = "write the secret as plain text in quotes", "empty; write the secret, or remove the key"
            self.problems.append(Problem(node.where, dotted(path), plain_text if node.value else empty))

    def _wanted(self) -> list[str]:
        """The keys of `hub.secret` that this site has a use for."""
        without = put(self.site, HUB_SECRET, Node({}))
        missing = validation.missing_secrets(coalesce(self.defaults, plain(without)), self.schema)
        return [str(path[-1]) for path in missing if path[:-1] == HUB_SECRET and path[-1] in kinds.HUB_SECRETS]

    def _complete_hub_secrets(self) -> None:
        """Make what can be made. What only a person can give is a mistake when it is not there."""
        for path in validation.missing_secrets(self._effective(), self.schema):
            kind = kinds.HUB_SECRETS.get(str(path[-1])) if path[:-1] == HUB_SECRET else None
            if kind and kind.generate:
                self._put(path, Node(kinds.encode(kind.generate())))
                self.made.append(dotted(path))
            elif path[:-1] == HUB_SECRET:
                remedy = kind.remedy if kind else "give it below hub.secret in a file named with --secrets"
                accepted = kind.accepted if kind else ""
                place = nearest(self.site, path)
                self.problems.append(SecretMissing(place, dotted(path), f"missing; {remedy}", accepted=accepted))
        self._stand_in()

    def _stand_in(self) -> None:
        """Keep the schema from saying again, and worse, what was said about a missing secret."""
        for path in validation.missing_secrets(self._effective(), self.schema):
            if path[:-1] in (HUB_SECRET, NGINX_SECRET):
                self._put(path, Node(_stand_in_for(str(path[-1]))))

    def _put(self, path: KeyPath, node: Node) -> None:
        self.site = put(self.site, path, node)

    def _firefly(self) -> None:
        """Its password: of the secrets file or the environment, else what the site or the previous output holds, else a new one."""
        if firefly.wants_password(self._effective()):
            self._take(firefly.PASSWORD, firefly.VARIABLE)
        if firefly.PASSWORD not in validation.missing_secrets(self._effective(), self.schema):
            return
        kept = value_at(plain(self.previous), *firefly.PASSWORD)
        if not (isinstance(kept, str) and kept):
            kept = firefly.new_password()
            self.made.append(dotted(firefly.PASSWORD))
        self._put(firefly.PASSWORD, Node(kept))

    def _storage(self) -> None:
        for path, value in storage.capacities(self._effective(), self.schema["$defs"]["memory"]["pattern"]):
            self._put(path, Node(value))
        if storage.wants_address(self._effective()):
            kept = value_at(plain(self.previous), *storage.ADDRESS)
            if isinstance(kept, str) and kept:
                self._put(storage.ADDRESS, Node(kept))
            elif self.sources.free_address:
                self._put(storage.ADDRESS, Node(self.sources.free_address()))
                self.made.append(dotted(storage.ADDRESS))

    # The front door's certificate.

    def _tls(self) -> None:
        tls = value_at(self._effective(), "nginx", "tls")
        if not isinstance(tls, dict):
            return
        ways = [tls.get("certificate") or tls.get("key"), tls.get("existingSecret"), tls.get("selfSigned")]
        if sum(bool(way) for way in ways) != 1:
            return
        if tls.get("selfSigned") is True:
            self._self_signed()
        elif (
            isinstance(tls.get("certificate"), str)
            and isinstance(tls.get("key"), str)
            and tls["certificate"]
            and tls["key"]
        ):
            self._from_files()

    def _hostname(self) -> str:
        """The host name, or nothing as long as it is wrong."""
        hostname = value_at(self._effective(), "global", "hostname")
        pattern = self.schema["$defs"]["dnsName"]["pattern"]
        return hostname if isinstance(hostname, str) and re.fullmatch(pattern, hostname) else ""

    def _self_signed(self) -> None:
        from jld.secrets import certificates

        hostname = self._hostname()
        if not hostname:
            return
        made = _earlier(self.site) or _earlier(self.previous)
        if made is None or not certificates.still_good(made, hostname, self.now):
            made = certificates.make_self_signed(hostname, self.now)
            self.made.append(dotted(NGINX_SECRET))
        self._put(NGINX_SECRET, _tls_secret(made.pair, made.authority))

    def _from_files(self) -> None:
        from jld.secrets import certificates

        contents = [self._pem(name) for name in ("certificate", "key")]
        if contents[0] is None or contents[1] is None:
            return
        pair = certificates.Pair(contents[0], contents[1])
        for finding in certificates.findings(pair, self._hostname(), self.now):
            path: KeyPath = ("nginx", "tls", finding.about)
            found = self.warnings if finding.warning else self.problems
            found.append(Problem(nearest(self.site, path), dotted(path), finding.sentence))
        self._put(NGINX_SECRET, _tls_secret(pair))

    def _pem(self, name: str) -> bytes | None:
        """The content of a PEM file. A values file that is read as a site still holds it when the file is elsewhere."""
        path: KeyPath = ("nginx", "tls", name)
        node = find(self.site, path)
        place = node.where if node else None
        folder = Path(place.file).parent if place else Path()
        file = folder / str(value_at(plain(self.site), "nginx", "tls", name))
        held = find(self.site, (*NGINX_SECRET, name))
        content = pem_files.read(file)
        if isinstance(content, str) and not file.exists() and held and isinstance(held.value, str):
            content = kinds.decode(held.value) or content
        if isinstance(content, str):
            self.problems.append(Problem(place, dotted(path), content))
            return None
        return content


def _children(root: Node, path: KeyPath) -> Iterator[tuple[str, Node]]:
    node = find(root, path)
    if node and isinstance(node.value, dict):
        yield from node.value.items()


def _stand_in_for(name: str) -> str:
    generate = kinds.HUB_SECRETS[name].generate if name in kinds.HUB_SECRETS else None
    if generate:
        return kinds.encode(generate())
    return kinds.encode("missing://" if name == "dbUrl" else "missing")


def _tls_secret(pair: Pair, authority: bytes | None = None) -> Node:
    content = {"certificate": kinds.encode(pair.certificate), "key": kinds.encode(pair.key)}
    if authority is not None:
        content["caCertificate"] = kinds.encode(authority)
    return tree(content)


def _earlier(root: Node) -> SelfSigned | None:
    """The self-signed certificate that `root` holds, if it holds a whole one."""
    from jld.secrets.certificates import Pair, SelfSigned

    held = value_at(plain(root), *NGINX_SECRET)
    if not isinstance(held, dict):
        return None
    parts = [
        kinds.decode(text) if isinstance(text := held.get(name), str) else None
        for name in ("certificate", "key", "caCertificate")
    ]
    certificate, key, authority = parts
    return SelfSigned(Pair(certificate, key), authority) if certificate and key and authority else None


def _without_idle_nulls(data: Any, defaults: Any) -> Any:
    """Without the nulls that take nothing away: Helm would not drop those, but hand them to schema and templates."""
    if not isinstance(data, dict):
        return data
    known = defaults if isinstance(defaults, dict) else {}
    return {
        key: _without_idle_nulls(value, known.get(key))
        for key, value in data.items()
        if value is not None or known.get(key) is not None
    }
