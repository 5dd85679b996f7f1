"""Where the code's regular expressions stand, how they are used, and texts that make a careless one take for ever."""

import ast
import json
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LENGTH = 65_536  # characters, more than nginx lets through in an address or a header
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
MOST = 300  # repetitions of which the square is still no time at all
METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


@dataclass(frozen=True)
class Expression:
    place: str
    text: str
    flags: int
    method: str

    def use(self, text: str) -> None:
        anchored = getattr(re.compile(self.text, self.flags), "search" if self.method not in METHODS else self.method)
        if self.method in ("sub", "subn"):
            anchored("", text)
        elif self.method == "finditer":
            list(anchored(text))
        else:
            anchored(text)


def in_python(file: Path) -> Iterator[Expression]:
    """Those that a module writes out: given to a function of `re`, or compiled under a name and used by its methods."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    used: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used.setdefault(node.value.id, set()).add(node.attr)
    names = {id(each): _name(node) for node in ast.walk(tree) if _name(node) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args):
            continue
        text = _constant(node.args[0])
        if text is None:
            continue
        flags = _flags([*node.args[1:], *(word.value for word in node.keywords)])
        called = ast.unparse(node.func).removeprefix("re.")
        name = names.get(id(node), "")
        methods = used.get(name, set()) & METHODS if called == "compile" else {called} & METHODS
        for method in methods or {"search"}:
            yield Expression(f"{file.name}:{node.lineno}", text, flags, method)


def in_schema(file: Path) -> Iterator[Expression]:
    """The `pattern` of each key, as `jld` uses them."""
    for text in sorted(set(_patterns(json.loads(file.read_text(encoding="utf-8"))))):
        yield Expression(file.name, re.sub(r"\$$", r"\\Z", text), re.ASCII, "search")


def attacks(expression: Expression) -> Iterator[str]:
    """Texts of `LENGTH` characters: what leads up to a part of the expression, then that part over and over, then what fits nowhere."""
    parsed = _parser.parse(expression.text, expression.flags)
    if not any(_repeats(each) for each in _sequences(parsed)):
        return  # it ends after a few characters, wherever it begins
    for sequence in _sequences(parsed):
        for first in range(len(sequence)):
            for last in range(first, len(sequence)):
                unit = _sample(sequence[first : last + 1])
                if unit:
                    yield _sample(sequence[:first]) + unit * (LENGTH // len(unit)) + "\0"
    whole = _sample(parsed) or "a"
    yield whole * (LENGTH // len(whole)) + "\0"
    yield " " * LENGTH + "\0"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises TimeoutError after this time of the process's own work, so that a busy machine makes no difference."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _constant(node: ast.expr) -> str | None:
    """A text; one with values in it as if each were the letter x."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "9" for part in node.values)
    return None


def _flags(arguments: Sequence[ast.expr]) -> int:
    names = [each.attr for argument in arguments for each in ast.walk(argument) if isinstance(each, ast.Attribute)]
    return sum(getattr(re, name) for name in set(names) if isinstance(getattr(re, name, None), re.RegexFlag))


def _patterns(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("pattern"), str):
            yield document["pattern"]
        for each in document.values():
            yield from _patterns(each)
    elif isinstance(document, list):
        for each in document:
            yield from _patterns(each)


def _sequences(tokens: Any) -> Iterator[list[Any]]:
    """The sequence itself, and all that are nested in it."""
    yield list(tokens)
    for kind, argument in tokens:
        if kind in REPEATS:
            yield from _sequences(argument[2])
        elif kind is op.SUBPATTERN:
            yield from _sequences(argument[3])
        elif kind is op.BRANCH:
            for alternative in argument[1]:
                yield from _sequences(alternative)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from _sequences(argument[1])


def _repeats(tokens: Any) -> bool:
    return any(kind in REPEATS and argument[1] > MOST for kind, argument in tokens)


def _sample(tokens: Any) -> str:
    """A short text that fits."""
    text = ""
    for kind, argument in tokens:
        if kind is op.LITERAL:
            text += chr(argument)
        elif kind is op.NOT_LITERAL:
            text += "a" if argument != ord("a") else "b"
        elif kind is op.ANY:
            text += "a"
        elif kind is op.IN:
            text += _one_of(argument)
        elif kind in REPEATS:
            text += _sample(argument[2]) * max(1, argument[0])
        elif kind is op.SUBPATTERN:
            text += _sample(argument[3])
        elif kind is op.BRANCH:
            text += _sample(argument[1][0])
    return text


def _one_of(choices: Any) -> str:
    """A character of a class, a letter where there is one: it fits most of the classes beside it, too."""
    for character in "a0A =:/@-.":
        if re.fullmatch(_class_text(choices), character):
            return character
    kind, argument = choices[-1]
    return chr(argument if kind is op.LITERAL else argument[0]) if kind in (op.LITERAL, op.RANGE) else "\t"


def _class_text(choices: Any) -> str:
    categories = {
        op.CATEGORY_DIGIT: r"\d",
        op.CATEGORY_NOT_DIGIT: r"\D",
        op.CATEGORY_SPACE: r"\s",
        op.CATEGORY_NOT_SPACE: r"\S",
        op.CATEGORY_WORD: r"\w",
        op.CATEGORY_NOT_WORD: r"\W",
    }
    text = ""
    for kind, argument in choices:
        if kind is op.NEGATE:
            text += "^"
        elif kind is op.LITERAL:
            text += re.escape(chr(argument))
        elif kind is op.RANGE:
            text += f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
        elif kind is op.CATEGORY:
            text += categories[argument]
    return f"[{text}]"
