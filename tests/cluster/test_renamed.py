"""An account that gets another name keeps its home, and whoever takes the old name gets another one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from .lab import Lab
from .person import Person, sit_down
from .release import Release
from .standin import GitHub

GRACE, IMPOSTOR = 4000002, 4000077


def working(browser: Browser, release: Release, login: str) -> Person:
    person = sit_down(browser, release)
    person.log_in_with_github(login)
    person.start_lab("Tiny")
    return person


def leave(person: Person) -> None:
    person.stop_lab()
    person.page.context.close()


@pytest.fixture
def renaming(github: GitHub) -> Iterator[GitHub]:
    yield github
    github.control(reset=True)


def test_a_home_stays_with_the_account_and_not_with_its_name(
    browser: Browser, release: Release, renaming: GitHub
) -> None:
    before = working(browser, release, "grace")
    Lab(release, "grace").python("open('letter.txt', 'w').write('private')")
    leave(before)

    renaming.control(rename=["grace", "Admiral"])
    after = working(browser, release, "Admiral")
    assert (
        Lab(release, "grace").python("import os; print(os.getuid(), open('letter.txt').read())") == f"{GRACE} private"
    )
    leave(after)

    member = {"organizations": {"lsst": "public"}, "name": "X", "email": "x@example.org"}
    renaming.control(person={"login": "Grace", "id": IMPOSTOR, **member})
    impostor = working(browser, release, "Grace")
    lab = Lab(release, f"grace-{IMPOSTOR}")
    assert lab.python("import os; print(os.getuid(), os.getcwd(), os.path.exists('letter.txt'))") == (
        f"{IMPOSTOR} /home/grace-{IMPOSTOR} False"
    )
    assert lab.python("import os; print(os.listdir('/home'))") == f"['grace-{IMPOSTOR}']"
    leave(impostor)
