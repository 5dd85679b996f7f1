"""Read site files into trees, with every mistake of the writing.

Unquoted scalars mean what Helm's YAML library makes of them, not what Python's does, so that both see the same values.
"""

from __future__ import annotations

import errno
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from jld.site import syntax
from jld.site.tree import Node, Scalar
from jld.support.errors import EnvironmentUnfit, Place, Problem, SiteError
from jld.support.files import read_start
from jld.support.key_paths import KeyPath, dotted
from jld.support.masking import masked_name

MAX_BYTES = 1024 * 1024  # what a ConfigMap or Secret could hold; a larger file is not a site file
MAX_DEPTH = 40
MAX_NODES = 20_000  # after aliases are written out


def load(file: Path) -> Node:
    """The tree of one file. An empty file is an empty map."""
    return parse(read(file), file)


def parse(content: bytes, file: Path) -> Node:
    """The tree of what `file` holds."""
    text = _text(content, file)
    try:
        documents = list(_documents(text, str(file)))
    except yaml.MarkedYAMLError as error:
        raise SiteError([_syntax_problem(error, text, str(file))]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        sentence = "a character that YAML does not allow; save the file as plain text"
        raise SiteError([Problem(Place(str(file), line, column), "", sentence)]) from None
    start = Place(str(file), 1, 1)
    if len(documents) > 1:
        mark = documents[1].start_mark
        place = Place(str(file), mark.line + 1, mark.column + 1)
        sentence = "a second document starts here, and Helm would ignore it; keep one, without `---` between"
        raise SiteError([Problem(place, "", sentence)])
    if not documents:
        return Node({}, start)
    node = _Converter(str(file)).convert_root(documents[0])
    if node.value is None:
        return Node({}, start)
    if not isinstance(node.value, dict):
        raise SiteError([Problem(start, "", "there are no keys here; write keys and values, like `global:`")])
    return node


def read(file: Path) -> bytes:
    """What a file holds. One that cannot be a site file is refused."""
    try:
        content = read_start(file, MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise SiteError.of_file(masked_name(file), "there is no such file; check its name") from None
    except IsADirectoryError:
        raise SiteError.of_file(file, "this is a folder; name the file in it") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP):
            raise SiteError.of_file(masked_name(file), f"this names no file ({error.strerror}); check it") from None
        raise EnvironmentUnfit(f"{file}: cannot be read ({error.strerror})") from None
    if len(content) > MAX_BYTES:
        raise SiteError.of_file(file, f"larger than {MAX_BYTES // 1024} KiB; this is not a site file")
    return content


def _text(content: bytes, file: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        place = Place(str(file), line, column)
        raise SiteError([Problem(place, "", "not UTF-8 text; save the file as UTF-8")]) from None


_TEXT = "tag:yaml.org,2002:str"
_COLLECTION_TAGS: dict[type[yaml.Node], str] = {
    yaml.MappingNode: "tag:yaml.org,2002:map",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
}
_HALF_A_CHARACTER = "an escape that stands for half a character; write the character itself"
_TOO_LARGE = f"more than {MAX_DEPTH} levels deep or {MAX_NODES} values long; this is not a site file"
_IMPLICIT = "implicit"  # the tag of an unquoted scalar, whose meaning `resolve` finds


class _Loader(yaml.SafeLoader):
    """Tells tags that a person wrote from those that YAML would guess, and stops at nesting or lengths of no site file."""

    depth = 0
    count = 0

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return _IMPLICIT
        return _COLLECTION_TAGS.get(kind, _TEXT)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH or self.count > MAX_NODES:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=_TOO_LARGE, problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _encodable(text: str) -> bool:
    """Whether a file could hold `text`: an escape can name half of a surrogate pair, which is no character."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _documents(text: str, name: str) -> Iterator[yaml.Node]:
    loader = _Loader(text)
    loader.name = name
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    finally:
        loader.dispose()


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    if error.problem == _TOO_LARGE and error.problem_mark:
        return Problem(Place(file, error.problem_mark.line + 1, error.problem_mark.column + 1), "", _TOO_LARGE)
    found = syntax.place_and_sentence(error, text)
    return Problem(Place(file, *found[:2]), "", found[2]) if found else Problem(Place(file), "", "not YAML")


class _Converter:
    """Turns composed YAML into `Node`s, and collects every mistake of the file instead of stopping at the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.open: set[int] = set()
        self.count = 0

    def convert_root(self, root: yaml.Node) -> Node:
        node = self._convert(root, (), None)
        if self.problems:
            raise SiteError(self.problems)
        return node

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _problem(self, node: yaml.Node, path: KeyPath, sentence: str) -> None:
        self.problems.append(Problem(self._place(node), dotted(path), sentence))

    def _convert(self, node: yaml.Node, path: KeyPath, key_place: Place | None) -> Node:
        place = self._place(node)
        self.count += 1
        if id(node) in self.open:
            self._problem(node, path, "an alias stands inside what it names; write the value out")
            return Node(None, place, key_place)
        if self.count > MAX_NODES:
            raise SiteError([Problem(place, dotted(path), _TOO_LARGE)])
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, key_place)
        if node.tag not in _COLLECTION_TAGS.values():
            self._problem(node, path, syntax.NO_TAGS)
        self.open.add(id(node))
        value: list[Node] | dict[str, Node]
        if isinstance(node, yaml.SequenceNode):
            value = [self._convert(child, (*path, index), None) for index, child in enumerate(node.value)]
        else:
            value = self._map(node, path)
        self.open.discard(id(node))
        return Node(value, place, key_place)

    def _map(self, node: yaml.Node, path: KeyPath) -> dict[str, Node]:
        result: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in result:
                first = result[key].key_place
                line = first.line if first else 0
                self._problem(key_node, (*path, key), f"written twice, first on line {line}; keep one of the two")
            result[key] = self._convert(value_node, (*path, key), self._place(key_node))
        return result

    def _key(self, node: yaml.Node, path: KeyPath) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._problem(node, path, "a key that is not a plain name; put text that starts with { or [ in quotes")
            return None
        text = str(node.value)
        if text == "<<" and node.tag == _IMPLICIT:
            self._problem(
                node, path, "the merge key `<<` is not accepted; write the keys out, or use a second site file"
            )
            return None
        if node.tag == _IMPLICIT and not isinstance(resolve(text), str):
            self._problem(node, path, "YAML does not read this key as text; put it in quotes")
            return None
        if not _encodable(text):
            self._problem(node, path, _HALF_A_CHARACTER)
            return None
        return text

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath, key_place: Place | None) -> Node:
        place = self._place(node)
        text = str(node.value)
        if not _encodable(text):
            self._problem(node, path, _HALF_A_CHARACTER)
        if node.tag == _TEXT:
            return Node(text, place, key_place, text, quoted=True)
        if node.tag != _IMPLICIT:
            self._problem(node, path, syntax.NO_TAGS)
            return Node(text, place, key_place, text)
        value = resolve(text)
        if isinstance(value, float) and not math.isfinite(value):
            self._problem(node, path, "this is not a finite number; write another number, or text in quotes")
            value = 0.0
        return Node(value, place, key_place, text)


_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_TRUE = frozenset(["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"])
_FALSE = frozenset(["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"])
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_OCTAL = re.compile(r"[-+]?0o?[0-7_]+")
_OTHER_BASE = re.compile(r"[-+]?(0x[0-9a-fA-F_]+|0b[01_]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def resolve(text: str) -> Scalar:
    """What Helm's YAML library makes of an unquoted scalar."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    bare = text.replace("_", "")
    if len(bare) > 300:  # text, or a number that no key accepts
        return math.inf if bare.lstrip("+-").isdecimal() else text
    if _INTEGER.fullmatch(text):
        return int(bare)
    if _OCTAL.fullmatch(text) and bare[-1] not in "oO":
        return int(bare.replace("o", ""), 8)
    if _OTHER_BASE.fullmatch(text) and bare[-1] not in "xb":
        return int(bare, 0)
    if _FLOAT.fullmatch(text):
        return float(bare)
    return math.inf if _NOT_FINITE.fullmatch(text) else text
