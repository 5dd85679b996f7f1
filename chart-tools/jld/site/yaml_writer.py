"""The text of a values file."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import yaml

from jld.support.key_paths import JsonMap

HEADER = (
    "# Written by `jld values`, and written again by its next run: change the site file instead.\n"
    "# Holds secrets. Keep it out of version control, and keep it: what was generated is nowhere else.\n"
)
_NOTE = "# Note: "
_SURELY_TEXT = re.compile(r"[A-Za-z/][A-Za-z0-9/.+=_:-]*[A-Za-z0-9/=]")
_OTHER_LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")  # a block of lines would give them back as newlines
_NOT_TEXT = frozenset(["true", "false", "yes", "no", "on", "off", "null"])


class _Dumper(yaml.SafeDumper):
    """Quotes whatever any YAML library might read as something else than text, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and not _OTHER_LINE_ENDS.search(text):
        style = "|"
    elif _SURELY_TEXT.fullmatch(text) and text.lower() not in _NOT_TEXT:
        style = None
    else:
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def render(data: JsonMap, note: str = "") -> bytes:
    """The bytes of a values file: the same for the same data. `note` is a comment that the next run keeps."""
    return (HEADER + (f"{_NOTE}{note}\n" if note else "") + block(data)).encode()


def block(data: object) -> str:
    """`data` as YAML, one key in a line."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def inline(data: object) -> str:
    """`data` in one line of YAML."""
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("...\n").rstrip("\n")


def note(file: Path) -> str:
    """The note that an earlier values file holds, if there is one."""
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in islice(stream, HEADER.count("\n") + 1):
                if line.startswith(_NOTE):
                    return line.removeprefix(_NOTE).rstrip("\n")
    except OSError:
        pass
    return ""


def is_ours(content: bytes) -> bool:
    """Whether `jld values` wrote this, so that nothing is lost when it is written again."""
    return content.startswith(HEADER.splitlines()[0].encode())
