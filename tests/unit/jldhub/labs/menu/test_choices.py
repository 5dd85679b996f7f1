"""What people choose for one start, and what they are told."""

from typing import Any

import pytest
from jldhub.labs.menu.choices import check, chosen_fields, from_form, motd
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


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ({"profile": ["small"], "image": ["lsst:w_2026_21"]}, {"profile": "small", "image": "lsst:w_2026_21"}),
        ({"profile": [""], "image": [""]}, {}),
        ({"profile": [], "image": []}, {}),
        ({"image": ["/"], "typed-image": [" quay.io/a/b:1 "]}, {"image": "quay.io/a/b:1"}),
        ({"image": ["science"], "typed-image": ["quay.io/a/b:1"]}, {"image": "science"}),
        (
            {"image": ["science"], "image_file": [object()], "search.lsst": ["w_2026"], "_xsrf": ["2|a"]},
            {"image": "science"},
        ),
    ],
)
def test_the_form_says_the_image_and_the_size(form: dict[str, list[str]], options: dict[str, Any]) -> None:
    assert from_form(form) == options


def test_of_a_refused_form_the_choices_are_kept_and_nothing_else() -> None:
    form = {
        "profile": ["small"],
        "image": ["/"],
        "typed-image": ["x" * 10_000],
        "_xsrf": ["2|a"],
        "debug": ["on"],
        "more": [],
    }
    assert chosen_fields(form) == {"profile": "small", "image": "/", "typed-image": "x" * 500}


@pytest.mark.parametrize("typed", [{}, {"typed-image": [""]}, {"typed-image": [" \t"]}, {"typed-image": []}])
def test_who_wants_to_type_an_image_types_one(typed: dict[str, list[str]]) -> None:
    with pytest.raises(Refusal) as refused:
        from_form({"image": ["/"], **typed})
    sentence = "Type the image that you want, with its registry and tag, or choose one of the list."
    assert (refused.value.status_code, refused.value.sentence) == (400, sentence)


def test_a_terminal_shows_the_notices() -> None:
    assert motd(["Maintenance on Monday\n", "Welcome"]) == "Maintenance on Monday\n\nWelcome\n\n"
    assert motd([]) == ""
