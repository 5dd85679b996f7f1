"""What can be wrong, and whose mistake it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Place:
    """Where in a person's file something stands. Lines and columns count from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One mistake: the place, the key path, and a sentence with the cause and the remedy.

    What the sentence says is here again in pieces, for programs, as far as there is something to say.
    """

    place: Place | None
    key: str
    sentence: str
    found: str = field(default="", compare=False)
    accepted: str = field(default="", compare=False)
    suggestion: str = field(default="", compare=False)  # the key that was probably meant

    def __str__(self) -> str:
        return ": ".join(str(part) for part in (self.place, self.key, self.sentence) if part)

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        place = self.place or Place("")
        return (place.file, place.line, place.column, self.key, self.sentence)


class SiteError(Exception):
    """The input is wrong: exit code 1."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda problem: problem.order)
        super().__init__("\n".join(map(str, self.problems)))


class EnvironmentUnfit(Exception):
    """The machine is not as it must be, for example a folder cannot be written: exit code 2."""
