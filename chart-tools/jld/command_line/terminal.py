"""Lines for a person, coloured on a terminal and plain anywhere else, and questions on a terminal.

For tables there is rich; a line needs none of it, and importing it takes longer than checking a whole site.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import typer


def styled(text: str, colour: str | None = None, bold: bool = True) -> str:
    """`text` in a colour, unless the person wants none (https://no-color.org)."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, fg=colour, bold=bold)


class Lines:
    """Where lines go: the standard output, or the standard error."""

    def __init__(self, error: bool = False) -> None:
        self._error = error

    def print(self, line: object) -> None:
        """Write a line. `typer.echo` takes the colours off where nobody sees them.

        A file's name may hold bytes that are no text, and the terminal may know few characters: they are written as escapes.
        """
        encoding = (sys.stderr if self._error else sys.stdout).encoding or "utf-8"
        typer.echo(str(line).encode(encoding, "backslashreplace").decode(encoding), err=self._error)


def is_interactive() -> bool:
    """Whether standard input is a terminal, so that questions can be asked."""
    return sys.stdin.isatty()


def ask_secret(what: str, is_right: Callable[[str], bool], accepted: str) -> str:
    """Ask until the answer has the right form. What is typed is not shown."""

    def checked(text: str) -> str:
        if not is_right(text.strip()):
            raise typer.BadParameter(f"this is not {accepted}")
        return text.strip()

    return str(typer.prompt(f"{what}: {accepted} (not shown)", hide_input=True, value_proc=checked, err=True))


class Terminal:
    """Asks a person, again until the answer is right."""

    def ask(self, question: str, default: str, check: Callable[[str], str]) -> str:
        def checked(text: str) -> str:
            fault = check(text)
            if fault:
                raise typer.BadParameter(fault)
            return text

        return str(typer.prompt(question, default=default, value_proc=checked, show_default=bool(default), err=True))

    def choose(self, question: str, choices: Sequence[str], default: str) -> str:
        def checked(text: str) -> str:
            for choice in choices:
                if text.strip().lower() == choice.lower():
                    return choice
            raise typer.BadParameter(f"write one of {', '.join(choices)}")

        text = f"{question} ({'/'.join(choices)})"
        return str(typer.prompt(text, default=default, value_proc=checked, err=True))
