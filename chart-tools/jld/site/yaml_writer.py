"""Data as YAML that any library reads as it was meant."""

from __future__ import annotations

import re

import yaml

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


def block(data: object) -> str:
    """`data` as YAML, one key in a line."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


def inline(data: object) -> str:
    """`data` in one line of YAML."""
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=True
    )
    return text.removesuffix("...\n").rstrip("\n")
