"""The numbers for a person at a terminal, and the same tables as Markdown for docs/limits.md."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass
class Section:
    """One table; cells are finished text."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)


def draw(section: Section, console: Console) -> None:
    drawn = Table(*section.columns, title=section.title, title_justify="left")
    for row in section.rows:
        drawn.add_row(*row)
    console.print(drawn)


def markdown(section: Section) -> str:
    lines = [f"{section.title}:", "", line(section.columns), line(["---"] * len(section.columns))]
    return "\n".join([*lines, *map(line, section.rows), ""])


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
