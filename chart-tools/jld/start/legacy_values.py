"""Values as the original deploy tool had them, converted to today's forms."""

from __future__ import annotations

import base64
import binascii
import re
from math import ceil

from jld.site.tree import Node, describe
from jld.support.quantities import memory


class NotMigrated(Exception):
    """A value of the old file that has no counterpart, or is wrong there, and why."""


def text_of(node: Node) -> str:
    if isinstance(node.value, dict | list | bool) or node.value is None:
        raise NotMigrated(f"found {describe(node)} where the original had text")
    text = node.value if isinstance(node.value, str) else node.written or str(node.value)
    text = text.strip()
    if not text:
        raise NotMigrated("it is empty")
    return text


def number_of(node: Node) -> float:
    text = text_of(node)
    if not re.fullmatch(r"[-+]?[0-9]{1,12}(\.[0-9]{1,6})?", text):
        raise NotMigrated(f"found {describe(node)} where the original had a number")
    return float(text)


def names_of(node: Node) -> list[str]:
    """A list, or what commas separate."""
    if isinstance(node.value, list):
        return [name for child in node.value for name in names_of(child)]
    return [name.strip() for name in text_of(node).split(",") if name.strip()]


def memory_of(text: str) -> str:
    """JupyterHub's own form, whose K, M, G and T are powers of 1024, or a number of bytes."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)", text.upper().removesuffix("IB").removesuffix("I"))
    if not match:
        raise NotMigrated(f"found {describe(Node(text))} where the original had memory like 3G")
    return f"{match[1]}{match[2]}i" if match[2] else memory(float(match[1]), ceil)


def crypt_key_of(key: str) -> str:
    """The same key in 64 hex digits: JupyterHub took 32 characters as they are, or base64, too."""
    key = key.strip()
    if len(key) == 32:
        return key.encode().hex()
    if len(key) == 44:
        try:
            return base64.urlsafe_b64decode(key).hex()
        except (binascii.Error, ValueError):
            return key
    return key
