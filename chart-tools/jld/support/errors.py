"""Mistakes, with place, cause and remedy, and errors that say whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from jld.support.masking import mask_fields, masked


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

    The other fields hold parts of the sentence for programs, where it has them. None of them shows a secret, wherever a
    person wrote one.
    """

    place: Place | None
    key: str
    sentence: str
    written: str = field(default="", compare=False)  # what the person wrote
    accepted: str = field(default="", compare=False)
    suggestion: str = field(default="", compare=False)  # the key that was probably meant

    def __post_init__(self) -> None:
        mask_fields(self, "key", "sentence", "written", "suggestion")

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

    @classmethod
    def of_file(cls, file: Path, sentence: str, key: str = "") -> SiteError:
        """One mistake of a whole file, or of a key in it."""
        return cls([Problem(Place(str(file)), key, sentence)])


class EnvironmentUnfit(Exception):
    """The machine is not as it must be, for example a folder cannot be written: exit code 2."""

    def __init__(self, sentence: str) -> None:
        super().__init__(masked(sentence))
