"""A configuration of the original deploy tool, migrated to a site file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jld.rules.images.series import IMAGES
from jld.schema import legacy_keys
from jld.schema.validation import accepted, key_rule
from jld.schema.validator import is_valid
from jld.secrets import formats
from jld.site.tree import Node, describe, find, plain
from jld.start.images import DEFAULT, with_registry
from jld.start.legacy_values import NotMigrated, crypt_key_of, memory_of, names_of, number_of, text_of
from jld.start.log_shipping import LogShipping
from jld.support.key_paths import JsonMap, KeyPath, dotted
from jld.support.masking import NOT_SHOWN, holds_secret, mask_fields, masked
from jld.support.quantities import memory, shortest
from jld.values.sizes import LADDER

SIZES = ("tiny", "small", "medium", "large")  # as the original's size_index counted them
_LAB_CPU, _LAB_MEMORY = 2, "3Gi"  # its defaults
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True)
class MigratedKey:
    """What became of one key of the old file."""

    old: str
    new: tuple[str, ...] = ()
    why: str = ""  # it has no counterpart, or a remark
    verdict: str = "not carried over"  # where there is no new key

    def __post_init__(self) -> None:
        """The old file holds secrets among its keys, and a slip puts one anywhere; none is shown."""
        mask_fields(self, "old", "why")

    @property
    def line(self) -> str:
        """The same in one line."""
        if self.new:
            return f"{self.old} -> {', '.join(self.new)}" + (f" ({self.why})" if self.why else "")
        return f"{self.old}: {self.verdict}: {self.why}"


class Migration(LogShipping):
    """The new site, the secrets for secrets.yaml, and what became of each key."""

    def __init__(self, old: Node, schema: JsonMap, source: Path, target: Path) -> None:
        super().__init__(schema, source, target)
        self._nodes: dict[str, Node] = {}
        self._names: dict[str, str] = {}
        self.keys: list[MigratedKey] = []
        self._read(old)
        for name, node in self._nodes.items():
            self._migrate(name, node)
        self._finish_logging()
        keys = old.value if isinstance(old.value, dict) else ()
        order = {masked(written): index for index, written in enumerate(keys)}
        self.keys.sort(key=lambda each: order[each.old])

    def _read(self, old: Node) -> None:
        for written, node in old.value.items() if isinstance(old.value, dict) else ():
            name = legacy_keys.legacy_name(written)
            if name in self._names:
                self.keys.append(
                    MigratedKey(self._names[name], why=f"{written}, further below, says the same and wins")
                )
            self._nodes[name], self._names[name] = node, written

    def _migrate(self, name: str, node: Node) -> None:
        try:
            self._record(name, *self._convert(name, node))
        except NotMigrated as error:
            self._record(name, (), str(error))

    def _record(self, name: str, new: Iterable[KeyPath], why: str = "") -> None:
        self.keys.append(MigratedKey(self._names[name], tuple(dotted(path) for path in new), why))

    def _convert(self, name: str, node: Node) -> tuple[list[KeyPath], str]:
        """Put the value of an old key into the site. Returns the new keys, and a remark about them."""
        reason = legacy_keys.why_no_counterpart(name)
        if reason:
            raise NotMigrated(reason)
        convert = getattr(self, f"_from_{name}", None)
        if convert is None:
            raise NotMigrated("the original tool had no such key either; see `jld explain`")
        if not self._given(name):
            raise NotMigrated("it is empty")
        try:
            result = convert(node)
        except NotMigrated:
            if holds_secret(plain(node)):  # a part of it, or its lower case, would not look like one
                raise NotMigrated("what it holds (not shown) looks like a secret, and none belongs here") from None
            raise
        paths, remark = result if isinstance(result, tuple) else (result, "")
        return paths, remark

    def _given(self, name: str) -> Node | None:
        """The value that the old file has for `name`. The original wrote `dummy` where it needed none."""
        node = self._nodes.get(name)
        return node if node and node.value not in (None, "", [], "dummy") else None

    # Each of these converts one key. `_convert` calls them by its name. Those of log shipping are inherited.

    def _from_hostname(self, node: Node) -> list[KeyPath]:
        return self._set(("global", "hostname"), text_of(node).lower().rstrip("."))

    def _from_hub_route(self, node: Node) -> list[KeyPath]:
        name = text_of(node).strip("/")
        return self._set(("global", "hubRoute"), f"/{name}/" if name else "/")

    def _from_oauth_provider(self, _: Node) -> tuple[list[KeyPath], str]:
        self._github_only()
        return [("hub", "auth", "github")], ""

    def _from_oauth_client_id(self, node: Node) -> list[KeyPath]:
        self._github_only()
        return self._set(("hub", "auth", "github", "clientId"), text_of(node))

    def _from_allowed_groups(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._groups("allow", node)

    def _from_forbidden_groups(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._groups("deny", node)

    def _from_volume_size_gigabytes(self, node: Node) -> list[KeyPath]:
        capacity = f"{shortest(number_of(node))}Gi"
        server = self._nodes.get("external_fileserver_ip")
        if server and server.value:
            return self._set(("storage", "external", "capacity"), capacity)
        paths = self._set(("storage", "nfs", "capacity"), capacity)
        return [*paths, *self._set(("storage", "mode"), "nfs")]  # the original ran a file server of its own

    def _from_external_fileserver_ip(self, node: Node) -> list[KeyPath]:
        paths = self._set(("storage", "external", "server"), text_of(node))
        return [*paths, *self._set(("storage", "mode"), "external")]

    def _from_lab_idle_timeout(self, node: Node) -> list[KeyPath]:
        seconds = max(0, int(number_of(node)))
        size, unit = next((each for each in _UNITS if seconds and seconds % each[0] == 0), (1, "s"))
        return self._set(("hub", "culling", "idleTimeout"), f"{seconds // size}{unit}")

    def _from_lab_size_range(self, node: Node) -> list[KeyPath]:
        return self._set(("hub", "lab", "sizeRange"), shortest(number_of(node)))

    def _from_size_index(self, node: Node) -> list[KeyPath]:
        index = number_of(node)
        if index not in range(len(SIZES)):
            raise NotMigrated(f"found {describe(node)}; it counts {', '.join(SIZES)} from 0")
        return self._set(("hub", "lab", "defaultSize"), SIZES[int(index)])

    def _from_tiny_max_cpu(self, node: Node) -> list[KeyPath]:
        return self._set((*LADDER, "smallestCpu"), shortest(number_of(node)))

    def _from_mb_per_cpu(self, node: Node) -> list[KeyPath]:
        return self._set((*LADDER, "memoryPerCpu"), memory(number_of(node) * 2**20))

    def _from_lab_cpu_limit(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._one_size("cpu", shortest(number_of(node)))

    def _from_lab_mem_limit(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._one_size("memory", memory_of(text_of(node)))

    def _from_lab_image(self, node: Node) -> list[KeyPath]:
        paths = self._set((*IMAGES, "lab", "reference"), with_registry(text_of(node)))
        return [*paths, *self._set(DEFAULT, "lab")]

    def _from_tls_cert(self, node: Node) -> tuple[list[KeyPath], str]:
        remark = "append the chain to that file" if self._nodes.get("tls_root_chain") else ""
        return self._set(("nginx", "tls", "certificate"), self._file(node)), remark

    def _from_tls_key(self, node: Node) -> list[KeyPath]:
        return self._set(("nginx", "tls", "key"), self._file(node))

    def _from_tls_root_chain(self, _: Node) -> list[KeyPath]:
        raise NotMigrated("the chain follows the certificate in one file: cat cert.pem chain.pem > fullchain.pem")

    def _from_certificate_directory(self, node: Node) -> tuple[list[KeyPath], str]:
        folder = text_of(node).rstrip("/")
        for key, name, file in (("tls_cert", "certificate", "cert.pem"), ("tls_key", "key", "key.pem")):
            if key not in self._nodes:
                self._set(("nginx", "tls", name), self._file(Node(f"{folder}/{file}")))
        remark = "append chain.pem to the certificate: cat cert.pem chain.pem > fullchain.pem"
        return [("nginx", "tls", "certificate"), ("nginx", "tls", "key"), *self._tls_files_of_folder()], remark

    def _from_oauth_secret(self, node: Node) -> tuple[list[KeyPath], str]:
        self._github_only()
        return self._set_hub_secret("githubClientSecret", text_of(node))

    def _from_session_db_url(self, node: Node) -> tuple[list[KeyPath], str]:
        if text_of(node).startswith("sqlite:"):
            raise NotMigrated("SQLite on a claim of its own is the default")
        paths, remark = self._set_hub_secret("dbUrl", text_of(node))
        return [*self._set(("hub", "db", "external"), True), *paths], remark

    def _from_jupyterhub_crypto_key(self, node: Node) -> tuple[list[KeyPath], str]:
        return self._set_hub_secret(
            "cryptKeys", ";".join(crypt_key_of(key) for key in text_of(node).split(";") if key.strip())
        )

    # What several of them need.

    def _set_hub_secret(self, name: str, text: str) -> tuple[list[KeyPath], str]:
        secret = formats.HUB_SECRETS[name]
        if not secret.matches(text):
            raise NotMigrated(f"what it holds (not shown) is not {secret.accepted}")
        return self._set_secret((*formats.HUB_SECRET, name), text)

    def _github_only(self) -> None:
        provider = self._nodes.get("oauth_provider")
        if provider and provider.value and str(provider.value).strip().lower() != "github":
            raise NotMigrated(
                f"it belongs to the provider {describe(provider)}; write hub.auth.cilogon or hub.auth.other by hand (docs/login.md)"
            )

    def _groups(self, name: str, node: Node) -> tuple[list[KeyPath], str]:
        self._github_only()
        path: KeyPath = ("hub", "auth", "github", "organizations", name)
        entry = key_rule(self._schema, (*path, 0))
        listed = list(dict.fromkeys(names_of(node)))
        right = [each for each in listed if is_valid(each, entry, self._schema)]
        hidden = holds_secret(plain(node))  # what stands between two of its commas would not look like one
        wrong = [NOT_SHOWN if hidden else describe(Node(each)) for each in listed if each not in right]
        if not right:
            raise NotMigrated(f"found {', '.join(wrong) or 'nobody'}; each is {accepted(entry)}")
        remark = f"without {', '.join(wrong)}, which is not {accepted(entry)}" if wrong else ""
        return self._set(path, right), remark

    def _one_size(self, kind: str, value: Any) -> tuple[list[KeyPath], str]:
        """One limit for every lab: a size of its own, which is the default."""
        if {"tiny_max_cpu", "mb_per_cpu", "size_index"} & set(self._nodes):
            raise NotMigrated("the sizes replace it; see hub.lab.sizes")
        path: KeyPath = ("hub", "lab", "sizes", "standard")
        for name, usual in (("cpu", _LAB_CPU), ("memory", _LAB_MEMORY)):
            if name == kind or find(self._site, (*path, name)) is None:
                self._set((*path, name), value if name == kind else usual)
        self._set(("hub", "lab", "defaultSize"), "standard")
        return [(*path, kind)], "a size of its own"
