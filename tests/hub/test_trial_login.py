"""Trial logins: one password, and only the people whom the settings name."""

from .browser import Browser, xsrf
from .deployment import PASSWORD


async def test_a_named_person_gets_in_with_the_password(trial_browser: Browser) -> None:
    page = await trial_browser.log_in("alice", PASSWORD)
    assert (page.status, page.url) == (200, "https://jupyter.example.org/hub/spawn")


async def test_a_wrong_password_is_refused(trial_browser: Browser) -> None:
    page = await trial_browser.log_in("alice", "wrong")
    assert page.status == 403
    assert "Invalid username or password" in page.sentence


async def test_an_unknown_person_is_refused_even_with_the_password(trial_browser: Browser) -> None:
    page = await trial_browser.log_in("mallory", PASSWORD)
    assert page.status == 403
    assert "Invalid username or password" in page.sentence
    assert (await trial_browser.get("/hub/home")).url.startswith("https://jupyter.example.org/hub/login")


async def test_a_form_without_its_fields_is_no_server_error(trial_browser: Browser) -> None:
    page = await trial_browser.get("/hub/login")
    assert (await trial_browser.post("/hub/login", xsrf(page))).status == 400


async def test_only_the_named_administer(trial_browser: Browser) -> None:
    await trial_browser.log_in("bob", PASSWORD)
    assert (await trial_browser.get("/hub/admin")).status == 403
