"""jsonschema without its checkers of formats, which take longer to load than a site to check, and which no rule of the schema uses.

jsonschema loads each of them whenever some other package brought it, and does without where it is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import cast

_FORMATS = (
    *("fqdn", "idna", "isoduration", "jsonpointer", "rfc3339_validator", "rfc3986_validator", "rfc3987"),
    *("rfc3987_syntax", "uri_template", "webcolors"),
)


@contextmanager
def _not_installed(*names: str) -> Iterator[None]:
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = cast(ModuleType, None)  # how Python marks a module that must not be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _not_installed(*_FORMATS):
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend

__all__ = ["Draft202012Validator", "ValidationError", "extend"]
