"""New secrets in the place of old ones."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from jld.secrets import formats
from jld.site.tree import Node, find
from jld.support.errors import Problem, SiteError
from jld.support.key_paths import JsonMap, KeyPath, map_at, value_at

CRYPT_KEYS = "cryptKeys"
APART = timedelta(days=1)  # the least between two rotations of the crypto keys
CONSEQUENCES = {
    CRYPT_KEYS: "Nobody is logged out. The former key still decrypts until the next rotation.",
    "cookieSecret": "Everybody is logged out of the hub and logs in again. Running labs go on.",
    "metricsToken": "Nobody is logged out. The hub restarts, and Prometheus needs the new token.",
    "proxyToken": "Nobody is logged out. The hub restarts; what it tells the front door counts again within two minutes.",
    "dummyPassword": "Nobody is logged out. Who logs in from now on needs the new password: `jld password`.",
}
_OF_SERVICE = "services."
_TIME = "%Y-%m-%d %H:%M UTC"
_NOTE_START = "crypto keys rotated on "


def rotated(values: Node, data: JsonMap, names: Sequence[str]) -> JsonMap:
    """`data`, the plain form of `values`, with new secrets for `names`. Raises `SiteError` where one cannot be generated."""
    problems = [problem for name in names if (problem := _problem(values, data, name))]
    if problems:
        raise SiteError(problems)
    result = copy.deepcopy(data)
    for name in names:
        *above, key = map(str, path_of(name))
        holder = map_at(result, *above)
        current = (formats.decode(holder[key]) or b"").decode()
        holder[key] = formats.encode(_new_secret(name, current))
    return result


def path_of(name: str) -> KeyPath:
    """Where the secret called `name` stands: `cookieSecret`, or `services.grader` for the token of a service."""
    service = name.removeprefix(_OF_SERVICE)
    return (*formats.SERVICE_TOKENS, service) if service != name else (*formats.HUB_SECRET, name)


def consequence(name: str) -> str:
    """What a new secret does to people and programs."""
    return CONSEQUENCES.get(name) or f"Nobody is logged out. The hub restarts, and {name} needs the new token."


def rotation_note(now: datetime) -> str:
    """The comment of the values file about the last rotation of the crypto keys."""
    return f"{_NOTE_START}{now.astimezone(UTC):{_TIME}}"


def too_early(earlier: str, now: datetime) -> str | None:
    """When the last rotation was, if it was too short ago. `earlier` is the comment about it."""
    try:
        last = datetime.strptime(earlier.removeprefix(_NOTE_START), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return f"{last:{_TIME}}" if now - last < APART else None


def _new_secret(name: str, current: str) -> str:
    secret = formats.hub_secret(path_of(name))
    generate = secret.generate if secret else None
    if generate is None:
        raise AssertionError(name)  # `_problem` has a sentence for it
    if name == CRYPT_KEYS:
        return f"{generate().split(';')[0]};{current.split(';')[0]}"
    return generate()


def _problem(values: Node, data: JsonMap, name: str) -> Problem | None:
    key = f"hub.secret.{name}"
    path = path_of(name)
    kind = formats.hub_secret(path)
    if kind is None or kind.generate is None:
        sentence = (
            f"cannot be rotated here; write one of {', '.join(CONSEQUENCES)}, or services.NAME for a service's token"
        )
        if kind:
            sentence = (
                "only its issuer can make a new one; then give it to `jld values` "
                f"as {formats.environment_variable(name)} or in secrets.yaml"
            )
        return Problem(None, key, sentence)
    node = find(values, path)
    place = node.where if node else values.place
    encoded = value_at(data, *path)
    if value_at(data, "hub", "existingSecret"):
        return Problem(place, key, "hub.existingSecret names the Secret to use; rotate it where that Secret is made")
    if not isinstance(encoded, str):
        return Problem(place, key, "this file holds none to rotate; run `jld values` first")
    if not formats.decode(encoded):
        return Problem(place, key, "what stands here (not shown) is not base64; restore the file, or remove the key")
    fault = formats.fault(path, encoded)
    return Problem(place, key, fault) if fault else None
