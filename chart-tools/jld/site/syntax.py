"""Sentences for text that is no YAML. They name a tab, a colon without a blank, and bad indentation before all else."""

from __future__ import annotations

import re

import yaml

_KEY = re.compile(r"\s*(- +)*[A-Za-z_][A-Za-z0-9_.-]*:")
_WITHOUT_BLANK = re.compile(r"(\s*(?:- +)*)([A-Za-z_][A-Za-z0-9_-]*):(?!//)[^\s:][^:]*$")
NO_TAGS = "an unquoted `!` starts a tag, which is not accepted; remove it, or put the text in quotes"
_TAB = "a tab; YAML is indented with spaces only"
_INDENTED = "indented like nothing above it; begin the line in the column of the keys or entries that it belongs to"
_UNDER_TEXT = (
    "indented more than the line above, which has its value already; begin both in the same column, or write the text "
    "of several lines in quotes"
)


def place_and_sentence(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str] | None:
    """Line, column and sentence, without the names of aliases and tags: a secret may start with `*`, `&` or `!`."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return None
    lines = text.split("\n")
    line, column = mark.line, mark.column
    if line < len(lines) and (tab := re.match(r" *\t", lines[line])) and lines[line].strip():
        return line + 1, tab.end(), _TAB
    began = error.context_mark.line if error.context_mark else line
    for suspect in dict.fromkeys((line, _line_above(lines, line), began)):
        if suspect < len(lines) and _is_of_structure(error) and (slip := _WITHOUT_BLANK.match(lines[suspect])):
            sentence = f"no blank after the colon; write `{slip[2]}: ` and then the value"
            return suspect + 1, len(slip[1]) + 1, sentence
    if "mapping values are not allowed" in (error.problem or "") and _is_key_of_its_line(lines, line, column):
        start = len(lines[line]) - len(lines[line].lstrip())
        return line + 1, start + 1, _UNDER_TEXT
    return line + 1, column + 1, _sentence(error)


def _is_of_structure(error: yaml.MarkedYAMLError) -> bool:
    """Whether lines do not fit each other, which a colon without a blank brings about."""
    problem = error.problem or ""
    return "mapping values are not allowed" in problem or "could not find expected ':'" in problem


def _line_above(lines: list[str], line: int) -> int:
    """The line above that says something."""
    for number in range(min(line, len(lines)) - 1, -1, -1):
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            return number
    return line


def _is_key_of_its_line(lines: list[str], line: int, column: int) -> bool:
    """Whether the colon at `column` belongs to the first key of its line, which is indented more than the one above."""
    above = lines[_line_above(lines, line)]
    key = _KEY.match(lines[line]) if line < len(lines) else None
    deeper = line < len(lines) and len(lines[line]) - len(lines[line].lstrip()) > len(above) - len(above.lstrip())
    return bool(key and key.end() == column + 1 and deeper)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not YAML"
    if "'\\t'" in problem:
        return _TAB
    if "alias" in problem or "anchor" in problem:
        return "an unquoted `*` or `&` starts an alias that is not there or not finished; put the text in quotes"
    if "tag" in problem or "tag" in (error.context or ""):
        return NO_TAGS
    if "mapping values are not allowed" in problem:
        return "a second `key:` on one line, or indentation that fits nothing above; put text that holds `: ` in quotes"
    if "could not find expected ':'" in problem:
        return "text without a `:` after it; write `key: value`"
    if re.search(r"expected (<block end>|'<document start>'), but found '<block (mapping|sequence) start>'", problem):
        return _INDENTED
    if "expected <block end>, but found '<block entry>'" in problem or "expected <block end>, but found '?'" in problem:
        return _INDENTED
    return f"not YAML: {problem}"
