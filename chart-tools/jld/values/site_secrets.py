"""The secrets of the hub and of Firefly: given by a person, of an earlier run, or generated."""

from __future__ import annotations

from jld.schema import validation
from jld.secrets import formats
from jld.secrets.formats import FIREFLY_PASSWORD, HUB_SECRET, NGINX_SECRET, SERVICE_TOKENS
from jld.site.tree import Node, coalesce, find, nearest, plain, put
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, dotted, map_at, value_at
from jld.values.draft import Draft


class MissingSecret(Problem):
    """A secret that cannot be generated is not there: a person may be asked for it."""


def collect_hub_secrets(draft: Draft) -> None:
    """Those of an earlier run, then those of the secrets file or the environment, which win."""
    known = map_at(draft.schema, "properties", "hub", "properties", "secret", "properties")
    previous = find(draft.previous, HUB_SECRET)
    for name, node in previous.value.items() if previous and isinstance(previous.value, dict) else ():
        if name in known and name != SERVICE_TOKENS[-1] and find(draft.site, (*HUB_SECRET, name)) is None:
            draft.put((*HUB_SECRET, name), node)
    used = _used(draft)
    for name in formats.HUB_SECRETS:
        draft.take_secret((*HUB_SECRET, name), formats.environment_variable(name) if name in used else "")


def complete_hub_secrets(draft: Draft) -> None:
    """Generate what can be generated. What only a person can give is a mistake when it is not there."""
    for path in draft.missing_secrets():
        secret = formats.HUB_SECRETS.get(str(path[-1])) if path[:-1] == HUB_SECRET else None
        if secret and secret.generate:
            draft.generate(path, formats.encode(secret.generate()))
        elif path[:-1] == HUB_SECRET:
            remedy = secret.remedy if secret else "give it below hub.secret in a file named with --secrets"
            accepted = secret.accepted if secret else ""
            place = nearest(draft.site, path)
            draft.problems.append(MissingSecret(place, dotted(path), f"missing; {remedy}", accepted=accepted))
    _put_placeholders(draft)


def complete_service_tokens(draft: Draft) -> None:
    """A token for each of `hub.services`: that of the secrets file, else of the site or an earlier run, else a generated one."""
    effective = draft.effective()
    if value_at(effective, "hub", "existingSecret"):
        return
    for name in map_at(effective, "hub", "services"):
        path = (*SERVICE_TOKENS, name)
        draft.take_secret(path, "")
        if find(draft.site, path) is None:
            previous = find(draft.previous, path)
            if previous is not None:
                draft.put(path, previous)
            else:
                draft.generate(path, formats.encode(formats.new_service_token()))


def complete_firefly_password(draft: Draft) -> None:
    """That of the secrets file or the environment, else of the site or an earlier run, else a generated one."""
    if _needs_firefly_password(draft.effective()):
        draft.take_secret(FIREFLY_PASSWORD, formats.FIREFLY_PASSWORD_VARIABLE)
    if FIREFLY_PASSWORD not in draft.missing_secrets():
        return
    previous = value_at(plain(draft.previous), *FIREFLY_PASSWORD)
    if isinstance(previous, str) and previous:
        draft.put(FIREFLY_PASSWORD, Node(previous))
    else:
        draft.generate(FIREFLY_PASSWORD, formats.encode(formats.new_firefly_password()))


def _needs_firefly_password(effective: JsonMap) -> bool:
    """Whether Firefly runs, and no Secret of the operator's holds its password."""
    firefly = map_at(effective, "firefly")
    return firefly.get("enabled") is True and not firefly.get("existingSecret")


def _used(draft: Draft) -> list[str]:
    """The keys of `hub.secret` that this site has a use for."""
    without = put(draft.site, HUB_SECRET, Node({}))
    missing = validation.missing_secrets(coalesce(draft.defaults, plain(without)), draft.schema)
    return [str(path[-1]) for path in missing if path[:-1] == HUB_SECRET and path[-1] in formats.HUB_SECRETS]


def _put_placeholders(draft: Draft) -> None:
    """Secrets whose absence is reported already, so that the schema does not report it again in worse words."""
    for path in draft.missing_secrets():
        if path[:-1] in (HUB_SECRET, NGINX_SECRET):
            draft.put(path, Node(_placeholder(str(path[-1]))))


def _placeholder(name: str) -> str:
    generate = formats.HUB_SECRETS[name].generate if name in formats.HUB_SECRETS else None
    if generate:
        return formats.encode(generate())
    return formats.encode("missing://" if name == "dbUrl" else "missing")
