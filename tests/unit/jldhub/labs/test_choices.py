"""What people choose for one start, and what they are told."""

from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from jldhub.labs.menu.choices import check, form_template, from_form, motd
from jldhub.support.refusal import Refusal


@pytest.mark.parametrize(
    ("form", "variables"),
    [
        ({}, {}),
        ({"environment": ["keep"]}, {}),
        ({"environment": ["local"]}, {"JLD_ENVIRONMENT": "local"}),
        ({"environment": ["all"], "debug": ["on"]}, {"JLD_ENVIRONMENT": "all", "JLD_DEBUG": "1"}),
    ],
)
def test_the_form_becomes_variables_of_the_lab(form: dict[str, list[str]], variables: dict[str, str]) -> None:
    assert check(from_form(form)).variables == variables


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"environment": "everything"}, "The environment cannot be 'everything'. Choose one of: keep, local, all."),
        ({"environment": ["all"]}, "The environment cannot be \"['all']\". Choose one of: keep, local, all."),
        ({"environment": None}, "The environment cannot be 'None'. Choose one of: keep, local, all."),
        ({"debug": "yes"}, "Debug is true or false, and not 'yes'."),
        ({"debug": 1}, "Debug is true or false, and not '1'."),
        ({"debug": "x" * 10_000}, f"Debug is true or false, and not '{'x' * 40}'."),
    ],
)
def test_what_cannot_be_chosen_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        check(options)
    assert (refused.value.status_code, refused.value.sentence) == (400, sentence)


def page(*notices: str) -> str:
    """As KubeSpawner draws it."""
    return Environment(loader=DictLoader({"form.html": "SIZES"})).from_string(form_template(notices)).render()  # noqa: S701


def test_notices_stand_above_the_sizes_and_choices_below() -> None:
    text = page("Maintenance on Monday", "Welcome")
    order = [text.index(each) for each in ("Maintenance on Monday", "Welcome", "SIZES", 'name="environment"')]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "notice", ["<script>alert(1)</script>", "{{ 7 * 6 }}", "{% raw %}", '"><b>', "{# gone #} kept"]
)
def test_a_notice_is_text_and_neither_html_nor_a_template(notice: str) -> None:
    text = page(notice)
    assert "<script>" not in text
    assert "42" not in text
    assert notice.replace("{", "&#123;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;") in text


def test_a_terminal_shows_the_notices() -> None:
    assert motd(["Maintenance on Monday\n", "Welcome"]) == "Maintenance on Monday\n\nWelcome\n\n"
    assert motd([]) == ""
