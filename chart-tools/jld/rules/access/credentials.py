"""The client ID and the client secret of the login: what a template left there, and one in the place of the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from jld.rules.rule import Rule, Violations
from jld.secrets import formats
from jld.support.key_paths import JsonMap, KeyPath, dotted, map_at, value_at

# What people leave from a template: <client-id>, ${CLIENT_ID}, xxx, changeme, YOUR_CLIENT_SECRET, client_secret, insert-here.
_PLACEHOLDER = re.compile(
    r"<.*>|\{.*\}|\$\{.*\}|\$[A-Z][A-Z0-9_]*|\[.*\]|[x*?.]{3,}|…+"
    r"|(change|replace|fix|edit)[-_. ]?(me|this|it)\b.*"
    r"|(insert|enter|paste|put|fill|add|replace)[-_. ].*"
    r"|your[-_. ].*|yourclient.*|todo|tbd|tba|placeholder|example|sample|none|null|undefined|password"
    r"|((my|the|a|github|cilogon|oauth|oauth2|oidc)[-_. ]?)*(client|app|application)?[-_. ]?(id|secret)([-_. ]?here)?",
    re.IGNORECASE,
)
# Forms that only secrets have: of GitHub's apps and tokens, of Google, GitLab and Entra.
_FORM = r"[0-9a-fA-F]{40}|gh[a-z]_\w{16,}|github_pat_\w{16,}|GOCSPX-[\w-]+|gloas-[\w-]+|[\w.-]{3}8Q~[\w.~-]{34}"
_FORMS = {"github": _FORM, "cilogon": rf"{_FORM}|[A-Za-z0-9_-]{{64,}}", "other": _FORM}
_GITHUB_ID = re.compile(r"Iv1\.[0-9a-f]{16}|[IO]v23[A-Za-z0-9]{16}")


class _Client(NamedTuple):
    """What the hub is known by at the provider."""

    way: str
    id: str
    secret: str

    @property
    def id_path(self) -> KeyPath:
        return ("hub", "auth", self.way, "clientId")

    @property
    def secret_path(self) -> KeyPath:
        return (*formats.HUB_SECRET, f"{self.way}ClientSecret")

    @property
    def placeholders(self) -> Violations:
        if _PLACEHOLDER.fullmatch(self.id):
            yield self.id_path, "this is what stands in a template; write the client ID that the provider shows"
        if _PLACEHOLDER.fullmatch(self.secret):
            variable = formats.environment_variable(str(self.secret_path[-1]))
            yield self.secret_path, f"this is what stands in a template; give the client's own secret, as {variable}"


def _clients(effective: JsonMap) -> Iterator[_Client]:
    for way in _FORMS:
        client_id = value_at(effective, "hub", "auth", way, "clientId")
        encoded = map_at(effective, *formats.HUB_SECRET).get(f"{way}ClientSecret")
        secret = (formats.decode(encoded) or b"").decode(errors="replace") if isinstance(encoded, str) else ""
        if isinstance(client_id, str):
            yield _Client(way, client_id, "" if value_at(effective, "hub", "existingSecret") else secret)


def client_is_the_providers(effective: JsonMap) -> Violations:
    """`clientId` of `hub.auth.github` and `hub.auth.cilogon`, and the client secret, are what the provider gave, not what stands in a template."""
    for client in _clients(effective):
        if client.way != "other":  # whose provider may let its operator choose even such ones
            yield from client.placeholders


def id_and_secret_are_not_exchanged(effective: JsonMap) -> Violations:
    """`clientId` of a way of `hub.auth` has not the form of a client secret, nor is it the secret itself."""
    for client in _clients(effective):
        variable = formats.environment_variable(str(client.secret_path[-1]))
        if client.id and client.id == client.secret:
            yield client.secret_path, f"the same as {dotted(client.id_path)}; give the secret that belongs to it"
        elif re.fullmatch(_FORMS[client.way], client.id):
            yield (
                client.id_path,
                "has the form of a client secret, which now whoever reads this file knows: make a new one at the provider, give "
                f"that as {variable}, and write the client ID here",
            )
        elif client.way == "github" and _GITHUB_ID.fullmatch(client.secret):
            yield client.secret_path, f"has the form of a client ID; give the client secret as {variable}"


def client_is_no_template(effective: JsonMap) -> Violations:
    for client in _clients(effective):
        if client.way == "other":
            yield from client.placeholders


RULES: tuple[Rule, ...] = (client_is_the_providers, id_and_secret_are_not_exchanged)
WARNINGS: tuple[Rule, ...] = ()
# About a secret, which a site does not write itself.
WARNINGS_OF_SECRETS: tuple[Rule, ...] = (client_is_no_template,)
