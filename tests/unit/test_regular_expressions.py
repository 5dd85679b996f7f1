"""No text that somebody sends makes a regular expression take time in proportion to the square of its length: it would stop the hub."""

from pathlib import Path

import pytest

from tests.regular_expressions import Expression, at_most, attacks, in_python, in_schema

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("hub-extensions/jldhub", "chart-tools/jld", "storage-extensions/jldstorage", "images")
EXPRESSIONS = [
    *(found for name in PACKAGES for file in sorted((CHECKOUT / name).rglob("*.py")) for found in in_python(file)),
    *in_schema(CHECKOUT / "chart" / "values.schema.json"),
]
SECONDS = 1.0  # of processor time for one text; time in proportion to the square would be ten and more


def seconds_pass(expression: Expression) -> bool:
    try:
        for text in attacks(expression):
            with at_most(SECONDS):
                expression.use(text)
    except TimeoutError:
        return True
    return False


def test_there_are_many() -> None:
    assert len(EXPRESSIONS) > 100
    assert {"masking.py", "groups.py", "usernames.py"} <= {each.place.partition(":")[0] for each in EXPRESSIONS}


def test_no_expression_blocks_whatever_it_is_given() -> None:
    assert [f"{each.place}: {each.method} of {each.text}" for each in EXPRESSIONS if seconds_pass(each)] == []


@pytest.mark.parametrize(
    "text",
    [
        r"([?&;](?:[\w-]*(?:token|code|state)[\w-]*)=)[^&;\s]+",
        r"\s+$",
        r"(a+)+$",
        r"[a-z]*[a-z]*=",
        r"(?:ab|a)*c",
    ],
)
def test_one_that_blocks_is_found(text: str) -> None:
    assert seconds_pass(Expression("here", text, 0, "search"))
