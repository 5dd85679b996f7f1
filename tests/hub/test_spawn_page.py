"""What people may choose before a lab starts, and what the server makes of it."""

import json
import re

import pytest

from .browser import Browser, xsrf
from .deployment import PASSWORD


async def test_the_sizes_are_offered_and_the_default_is_chosen(trial_browser: Browser) -> None:
    page = await trial_browser.log_in("bob", PASSWORD)
    inputs = re.findall(r"<input type=\"radio\"[^>]*>", page.text)
    assert [re.search(r'value="([^"]*)"', each)[1] for each in inputs] == ["tiny", "small", "medium", "large"]  # type: ignore[index]
    assert [each for each in inputs if "checked" in each] == [each for each in inputs if 'value="small"' in each]
    assert "Up to 0.5 CPU and 1 GiB of memory" in page.sentence


@pytest.mark.parametrize("size", ["huge", "../tiny", "<script>alert(1)</script>", "x" * 10_000])
async def test_a_size_that_was_not_offered_is_a_400_with_a_sentence(trial_browser: Browser, size: str) -> None:
    page = await trial_browser.log_in("bob", PASSWORD)
    page = await trial_browser.post("/hub/spawn/bob", {**xsrf(page), "profile": size})
    assert page.status == 400
    assert "There is no lab size" in page.sentence
    assert "Choose one of: tiny, small, medium, large." in page.sentence
    assert "<script>alert(1)" not in page.text


async def test_the_api_refuses_it_with_the_same_sentence(trial_browser: Browser) -> None:
    await trial_browser.log_in("bob", PASSWORD)
    page = await trial_browser.post_json("/hub/api/users/bob/server", {"profile": "huge"})
    assert page.status == 400
    assert json.loads(page.text)["message"].startswith("There is no lab size 'huge'. Choose one of: tiny,")


async def test_the_environment_can_be_set_aside_and_nothing_is_unless_somebody_says_so(trial_browser: Browser) -> None:
    page = await trial_browser.log_in("bob", PASSWORD)
    fields = re.findall(r'<option value="([^"]*)">', page.text)
    assert fields == ["keep", "local", "all"]
    assert re.search(r'<input type="checkbox" id="debug" name="debug" value="on">', page.text)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("environment", "everything", "Choose one of: keep, local, all."),
        ("environment", "<script>alert(1)</script>", "Choose one of: keep, local, all."),
        ("debug", "perhaps", "Debug is true or false, and not 'perhaps'."),
    ],
)
async def test_another_choice_than_the_pages_is_a_400_with_a_sentence(
    trial_browser: Browser, field: str, value: str, sentence: str
) -> None:
    page = await trial_browser.log_in("bob", PASSWORD)
    page = await trial_browser.post("/hub/spawn/bob", {**xsrf(page), "profile": "tiny", field: value})
    assert page.status == 400
    assert sentence in page.sentence
    assert "<script>alert(1)" not in page.text


async def test_the_api_is_held_to_the_same_choices(trial_browser: Browser) -> None:
    await trial_browser.log_in("bob", PASSWORD)
    page = await trial_browser.post_json("/hub/api/users/bob/server", {"environment": ["all"]})
    assert page.status == 400
    assert "Choose one of: keep, local, all. (Reference " in json.loads(page.text)["message"]
