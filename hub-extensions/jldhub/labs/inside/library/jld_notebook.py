"""Whether a text is a notebook: lines that git merged without a conflict may be no JSON, or JSON of another form."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

# Format 4, as nbformat.v4.schema.json has it: the members that must be there, and those that may.
_NOTEBOOK = {"cells", "metadata", "nbformat", "nbformat_minor"}
_CELL = {"cell_type", "metadata", "source"}
_CODE = {"outputs", "execution_count"}
_OUTPUTS = {
    "stream": {"name", "text"},
    "display_data": {"data", "metadata"},
    "execute_result": {"data", "metadata", "execution_count"},
    "error": {"ename", "evalue", "traceback"},
}
_JSON_TYPE = re.compile(r"application/(.*\+)?json")


def is_notebook(content: bytes) -> bool:
    """Whether Jupyter reads it as a notebook and keeps all of it.

    Raises nothing. A name that an object has twice counts against it, because a reader drops the first of them.
    """
    try:
        book = json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return False
    if not isinstance(book, dict) or book.keys() != _NOTEBOOK or not isinstance(book["metadata"], dict):
        return False
    if book["nbformat"] != 4 or not isinstance(book["nbformat_minor"], int) or not isinstance(book["cells"], list):
        return False
    identified = book["nbformat_minor"] >= 5
    if not all(_is_cell(cell, identified) for cell in book["cells"]):
        return False
    names = [cell["id"] for cell in book["cells"]] if identified else []
    return len(set(names)) == len(names)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice")
    return members


def _is_cell(cell: Any, identified: bool) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata"), dict) or not _is_text(cell.get("source")):
        return False
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        return False
    if identified and not isinstance(cell.get("id"), str):
        return False
    required = _CELL | ({"id"} if identified else set()) | (_CODE if kind == "code" else set())
    optional = set() if kind == "code" else {"attachments"}
    if not required <= cell.keys() <= required | optional:
        return False
    return kind != "code" or (
        _is_count(cell["execution_count"])
        and isinstance(cell["outputs"], list)
        and all(_is_output(output) for output in cell["outputs"])
    )


def _is_output(output: Any) -> bool:
    members = _OUTPUTS.get(str(output.get("output_type"))) if isinstance(output, dict) else None
    if members is None or output.keys() != members | {"output_type"}:
        return False
    return all(_MEMBERS.get(name, _is_string)(output[name]) for name in members)


def _is_bundle(data: Any) -> bool:
    return isinstance(data, dict) and all(_JSON_TYPE.fullmatch(kind) or _is_text(data[kind]) for kind in data)


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and value >= 0)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(line, str) for line in value))


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_traceback(value: Any) -> bool:
    return isinstance(value, list) and _is_text(value)


# How a member of an output is judged; any other is a string.
_MEMBERS: dict[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "data": _is_bundle,
    "metadata": _is_object,
    "execution_count": _is_count,
    "traceback": _is_traceback,
}
