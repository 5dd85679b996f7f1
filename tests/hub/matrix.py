"""The tables in docs/login.md: who logs in, and what comes of it. The tests hold each row against the real hub."""

import re
from dataclasses import dataclass
from pathlib import Path

from .browser import Page

DOCUMENT = Path(__file__).parents[2] / "docs" / "login.md"
SPAWN = "https://jupyter.example.org/hub/spawn"


@dataclass(frozen=True)
class Matrix:
    """One table: `standin` is the address that stands in for `provider`. With `update` the document follows the hub."""

    provider: str
    standin: str
    update: bool

    def check(self, who: str, page: Page, name: str) -> None:
        """`name` is empty for somebody who must not get in."""
        row = self._row(who, page, name)
        text = DOCUMENT.read_text(encoding="utf-8")
        above, end, below = text.partition(f"<!-- end of {self.provider} -->")
        other, between, table = above.rpartition("<!-- end of ")
        written = re.findall(rf"(?m)^\| {re.escape(who)} \|.*$", table)
        if self.update and written != [row]:
            table = table.replace(f"{written[0]}\n", "") if written else table
            DOCUMENT.write_text(f"{other}{between}{table}{row}\n{end}{below}", encoding="utf-8")
        else:
            assert written == [row], f"{DOCUMENT} says otherwise; look, and run this test with --update-tables"

    def _row(self, who: str, page: Page, name: str) -> str:
        assert (page.status == 200) == bool(name), f"{page.status} {page.error}"
        if page.status == 200:
            assert page.url == SPAWN
            assert name in page.sentence
            return f"| {who} | let in as `{name}` | |"
        assert page.error.endswith("."), page.sentence
        return f"| {who} | {page.status} | {page.error.replace(self.standin, self.provider)} |"
