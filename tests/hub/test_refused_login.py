"""A refused login has a reference, which the hub's log has too, with the same sentence."""

import re

import pytest

from .browser import Browser
from .conftest import Hubs


@pytest.mark.parametrize("login", ["olga", "dora"])
async def test_the_page_and_the_log_have_the_same_sentence_and_reference(
    hubs: Hubs, browser: Browser, login: str
) -> None:
    page = await browser.log_in_with_github(login)
    assert page.status == 403
    found = re.search(r"\(Reference ([0-9a-f]{8})\)", page.sentence)
    assert found, page.sentence
    (line,) = [line for line in hubs.with_github.hub.log().splitlines() if found[1] in line]
    assert "Refused with 403" in line
    assert login in line


async def test_two_refusals_have_two_references(browser: Browser) -> None:
    pages = [await browser.log_in_with_github("olga") for _ in range(2)]
    references = {re.search(r"\(Reference ([0-9a-f]{8})\)", page.sentence)[1] for page in pages}  # type: ignore[index]
    assert len(references) == 2
