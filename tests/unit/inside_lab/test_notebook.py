"""What counts as a notebook, with Jupyter's own nbformat as the judge."""

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld_notebook import is_notebook
from nbformat import v4


def notebook() -> str:
    """One with each kind of cell and output."""
    outputs = [
        v4.new_output("stream", name="stdout", text="one\ntwo\n"),
        v4.new_output("display_data", data={"text/plain": "x", "application/json": {"a": [1]}}),
        v4.new_output("execute_result", data={"image/png": "aGk="}, execution_count=2),
        v4.new_output("error", ename="E", evalue="e", traceback=["a", "b"]),
    ]
    cells = [
        v4.new_markdown_cell("# Title\ntext", attachments={"a.png": {"image/png": "aGk="}}),
        v4.new_code_cell("a = 1\nb = 2", outputs=outputs, execution_count=2),
        v4.new_raw_cell("raw"),
        v4.new_code_cell(""),
    ]
    return nbformat.writes(v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "a", "display_name": "A"}}))


LINES = notebook().splitlines()


@pytest.mark.parametrize("minor", range(6))
def test_each_form_that_jupyter_writes_is_one(minor: int) -> None:
    book = json.loads(notebook()) | {"nbformat_minor": minor}
    if minor < 5:
        for cell in book["cells"]:
            del cell["id"]
    nbformat.validate(book)
    assert is_notebook(json.dumps(book).encode())


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, '{"cells": []}', "\x00", "1e999"])
def test_something_else_is_none(text: str) -> None:
    assert not is_notebook(text.encode())
    assert not is_notebook(b"\xff" + text.encode())


@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.integers(1, 12), st.integers(0, len(LINES))), max_size=3))
def test_nothing_counts_that_jupyter_refuses(moves: list[tuple[int, int, int]]) -> None:
    """Lines that are left out, written twice or moved, as a merge does it."""
    text = list(LINES)
    for start, number, to in moves:
        part = text[start : start + number]
        if to % 2:
            del text[start : start + number]
        text[to:to] = part if to % 3 else []
    written = "\n".join(text)
    if is_notebook(written.encode()):
        nbformat.validate(json.loads(written))
