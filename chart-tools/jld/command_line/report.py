"""What a command reports, as lines for a person or as JSON for a program, and the exit code with which it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from typing import Any

import typer

from jld.command_line.terminal import Lines, styled
from jld.support.errors import EnvironmentUnfit, Problem, SiteError


class Format(StrEnum):
    """Who reads what a command reports."""

    text = "text"
    json = "json"


class ExitCode(IntEnum):
    """The exit codes, the same for every command."""

    good = 0
    input_wrong = 1
    environment_wrong = 2


class Report:
    """What a command reports. Lines are printed at once; facts are collected for the one JSON object at the end."""

    def __init__(self, form: Format) -> None:
        self.form = form
        self.code = ExitCode.good
        self._facts: dict[str, Any] = {}
        self._mistakes: Sequence[Problem] = ()
        self._warnings: list[Problem] = []
        self._unfit = ""
        self._out, self._err = Lines(), Lines(error=True)

    def line(self, text: object) -> None:
        """For a person."""
        if self.form is Format.text:
            self._out.print(text)

    def fact(self, **facts: Any) -> None:
        """For a program."""
        self._facts |= facts

    def warn(self, *warnings: Problem) -> None:
        """What does not stop the command."""
        self._warnings += warnings
        self._print(warnings, "warning", "yellow")

    def input_error(self, error: SiteError) -> None:
        """The input is wrong."""
        self.code, self._mistakes = ExitCode.input_wrong, error.problems
        self._print(error.problems, "error", "red")
        count = len(error.problems)
        if self.form is Format.text and any(each.place for each in error.problems):
            more = " `jld explain KEY` says what a key accepts." if any(each.key for each in error.problems) else ""
            self._err.print(f"{count} {'mistake' if count == 1 else 'mistakes'}; nothing was written.{more}")

    def environment_error(self, error: EnvironmentUnfit) -> None:
        """The environment is wrong."""
        self.code, self._unfit = ExitCode.environment_wrong, str(error)
        if self.form is Format.text:
            self._err.print(styled("error: ", "red") + str(error))

    def close(self) -> None:
        """Print what is printed at the end only."""
        if self.form is Format.json:
            document = {"exitCode": int(self.code)} | self._facts
            document |= {"mistakes": list(map(as_data, self._mistakes)), "warnings": list(map(as_data, self._warnings))}
            if self._unfit:
                document["environment"] = self._unfit
            self._out.print(json.dumps(document, indent=2, ensure_ascii=True))

    def _print(self, problems: Sequence[Problem], word: str, colour: str) -> None:
        if self.form is Format.text:
            for problem in problems:
                self._err.print(_styled(problem, word, colour))


@contextmanager
def outcome(form: Format = Format.text) -> Iterator[Report]:
    """Run a command's work, and turn what it raises into sentences and an exit code."""
    report = Report(form)
    try:
        yield report
    except SiteError as error:
        report.input_error(error)
    except EnvironmentUnfit as error:
        report.environment_error(error)
    report.close()
    if report.code:
        raise typer.Exit(report.code)


def as_data(problem: Problem) -> dict[str, str | int | None]:
    """A problem for programs. A field without a value is null."""
    place = problem.place
    return {
        "file": place.file if place else None,
        "line": place.line or None if place else None,
        "column": place.column or None if place else None,
        "key": problem.key or None,
        "sentence": problem.sentence,
        "found": problem.written or None,
        "accepted": problem.accepted or None,
        "suggestion": problem.suggestion or None,
    }


def _styled(problem: Problem, word: str, colour: str) -> str:
    place = f"{problem.place}: " if problem.place else ""
    key = styled(f"{problem.key}: ") if problem.key else ""
    return place + styled(f"{word}: ", colour) + key + problem.sentence
