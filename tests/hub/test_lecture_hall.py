"""A thousand people who log in in the same minute, at a provider whose answers take as long as GitHub's."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from yarl import URL

from tests.ports import free_port

from .browser import Browser
from .conftest import GitHub, Hubs
from .deployment import TESTS, Deployment
from .processes import Program, answers

PEOPLE = 1000
# In the same moment; each has four requests to GitHub, so that the last would wait for ten connections for nine seconds. The bench
# sends all thousand in one moment, to a machine that does nothing else.
AT_ONCE = 150
SECONDS = 0.15  # of each answer


@pytest.fixture
def hall(hubs: Hubs, tmp_path: Path) -> Iterator[Deployment]:
    """A hub with the time-outs that it has in a cluster, and a GitHub with a thousand members of one organization."""
    document = json.loads((TESTS / "standins" / "people.json").read_text())
    document["people"] = [
        {"login": f"student-{n}", "id": 7000000 + n, "email": f"{n}@example.org", "organizations": {"lsst": "private"}}
        for n in range(PEOPLE)
    ]
    (tmp_path / "people.json").write_text(json.dumps(document))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = [sys.executable, str(TESTS / "standins" / "github.py"), "--address", "127.0.0.1", "--port", str(port)]
    standin = Program("github", [*program, "--people", str(tmp_path / "people.json")], {}, tmp_path)
    login = GitHub(url, document).login(allow=["lsst"], deny=["rivals", "lsst-sqre"])
    deployment = Deployment(tmp_path / "hub", {"admins": [], "github": login})
    deployment.operator_config.unlink()
    try:
        standin.start()
        deployment.start()
        standin.wait_until(lambda: answers(f"{url}/_control"))
        deployment.wait()
        yield deployment
    finally:
        deployment.stop()
        standin.stop()


async def log_in(url: str, login: str) -> str:
    """Where the hub leads to after the login, or its status and sentence."""
    # A busy machine takes minutes for all of them; refused is nobody.
    async with Browser(url, patience=900) as browser:
        page = await browser.get("/hub/oauth_login", follow=False)
        if page.status != 302:
            return f"the way there: {page.status} {page.sentence}"
        there = page.headers["Location"]
        back = await browser.get(str(URL(there, encoded=True).update_query(login=login)), follow=False)
        page = await browser.get(back.headers["Location"], follow=False)
        return "in" if page.status == 302 else f"{page.status} {page.sentence}"


@pytest.mark.slow
async def test_a_thousand_people_log_in_within_a_minute(hall: Deployment) -> None:
    async with Browser(hall.url) as browser:
        order = {"mode": "slow", "seconds": SECONDS}
        github = (await browser.get("/hub/oauth_login", follow=False)).headers["Location"].split("/login/")[0]
        assert (await browser.post_json_to_lab(f"{github}/_control", order)).status == 200
    seats = asyncio.Semaphore(AT_ONCE)

    async def come_in(number: int) -> str:
        async with seats:
            return await log_in(hall.url, f"student-{number}")

    results = Counter(await asyncio.gather(*map(come_in, range(PEOPLE))))
    assert results == {"in": PEOPLE}
    assert len(hall.people()) == PEOPLE
    assert "cannot be asked" not in hall.hub.log()
