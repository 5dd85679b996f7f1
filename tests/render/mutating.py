"""Site files with one mistake each, made by rule from right ones: the same ones in every run."""

from __future__ import annotations

import base64
import copy
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
Data = dict[str, Any]

ODD_NUMBERS = (-1, 0, 0.5, 65536, 10**12, -0.0001)
ODD_TEXTS = (
    *("", " ", "x y", "-x", "x-", "X", "x/", "/x", "../x", "é", "x\n", "x: y", "{{ .Release.Name }}", "x" * 300),
    *(
        "https://x",
        "http://",
        "x..y",
        "x_y",
        "*",
        "~",
        "null",
        "on",
        "012",
        "1e3",
        "#x",
        "&x",
        "5 GB",
        "12hours",
        "1h30m",
        "10.1.2.3/16",
        "10.0.0.0/33",
        "2001:db8::1/32",
        "::/129",
    ),
    *(
        "-5Gi",
        "1.5.2",
        "0",
        "0Gi",
        "5gi",
        "5GB",
        "1/2",
        "x:y:z",
        "x@sha256:1",
        "YWJj=",
        "YWJ",
        "a b=",
        "%",
        "'",
        '"',
        "\\",
    ),
)
OTHER_TYPES = (True, 7, "text", ["text"], {"key": "text"})


@dataclass(frozen=True)
class Mutation:
    """A site file and what was done to it."""

    source: str
    kind: str
    paths: tuple[Path, ...]  # the keys that were touched; a refusal has to name one of them
    data: Data

    def __str__(self) -> str:
        return f"{self.source}: {self.kind} at {' and '.join('.'.join(map(str, path)) for path in self.paths)}"


def mutations(source: str, data: Data, seed: int = 0) -> Iterator[Mutation]:
    """Every kind of mistake at every key of `data`."""
    chance = random.Random(f"{source} {seed}")  # noqa: S311 (the same in every run)
    leaves = [path for path in every_path(data) if not isinstance(look(data, path), dict | list)]
    for path in every_path(data):
        yield from _at(source, data, path, chance)
    for path in leaves:
        other = chance.choice(leaves)
        if type(look(data, path)) is type(look(data, other)) and look(data, path) != look(data, other):
            swapped = changed(changed(data, path, look(data, other)), other, look(data, path))
            yield Mutation(source, "values swapped", (path, other), swapped)


def mutation(source: str, data: Data, chance: random.Random) -> Mutation:
    """One mistake somewhere in `data`."""
    return chance.choice(list(_at(source, data, chance.choice(list(every_path(data))), chance)))


def _at(source: str, data: Data, path: Path, chance: random.Random) -> Iterator[Mutation]:
    for kind, name in misspelt(path, chance):
        yield Mutation(source, kind, ((*path[:-1], name),), renamed(data, path, name))
    if isinstance(path[-1], str):
        yield Mutation(source, "dropped", (path,), without(data, path))
    for kind, other in replacements(look(data, path), chance):
        yield Mutation(source, kind, (path,), changed(data, path, other))


def misspelt(path: Path, chance: random.Random) -> Iterator[tuple[str, str]]:
    name = path[-1]
    if isinstance(name, int) or not name:  # an entry of a list, or a key without a letter
        return
    place = chance.randrange(len(name))
    yield "a letter too few", name[:place] + name[place + 1 :] or "x"
    yield "a letter too many", name[:place] + name[place] + name[place:]
    yield "a wrong letter", name[:place] + ("q" if name[place] != "q" else "z") + name[place + 1 :]
    yield "another case", name.swapcase()


def replacements(value: Any, chance: random.Random) -> Iterator[tuple[str, Any]]:
    yield "null", None
    wrong = [other for other in OTHER_TYPES if type(other) is not type(value)]
    for other in chance.sample(wrong, 2):
        yield "a wrong type", other
    if isinstance(value, dict | list) and value:
        yield "empty", type(value)()
    if isinstance(value, list) and value:
        yield "twice", [*value, value[0]]
    if isinstance(value, bool):
        yield "the opposite", not value
    elif isinstance(value, int | float):
        for number in ODD_NUMBERS:
            yield "out of range", number
    elif isinstance(value, str):
        for text in chance.sample(ODD_TEXTS, 6):
            yield "odd text", text
        yield "a character more", value + chance.choice("%é /\n:=")
        yield "a character less", value[:-1]
        if len(value) > 40 and re.fullmatch("[A-Za-z0-9+/=]+", value):  # base64
            decoded = base64.b64decode(value + "==", validate=False)
            yield "another secret", base64.b64encode(decoded[: len(decoded) // 2]).decode()
            yield "not base64", "*" + value


def every_path(data: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(data, dict):
        for key, value in data.items():
            yield from every_path(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from every_path(value, (*path, index))


def look(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def changed(data: Data, path: Path, value: Any) -> Data:
    result = copy.deepcopy(data)
    look(result, path[:-1])[path[-1]] = copy.deepcopy(value)
    return result


def without(data: Data, path: Path) -> Data:
    result = copy.deepcopy(data)
    del look(result, path[:-1])[path[-1]]
    return result


def renamed(data: Data, path: Path, name: str) -> Data:
    """With the key under another name, at the same place in its map."""
    result = copy.deepcopy(data)
    above = look(result, path[:-1])
    entries = [(name if key == path[-1] else key, value) for key, value in above.items()]
    above.clear()
    above.update(entries)
    return result
