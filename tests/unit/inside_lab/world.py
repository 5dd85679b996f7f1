"""Somebody who publishes notebooks, and a home with a clone of them, with real git on both sides."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from jld_repositories import Git, LeftAlone, Repository, refresh

ITEMS = ("1,", "2,", "3,", "4,", "5,", "6,", "7,", "8")
SPLIT = (*ITEMS[:3], "4", '], "y": [', *ITEMS[4:])
NAMED = '"named": "n",'


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


class World:
    """A repository of the site's, somebody who publishes in it, and a home with a clone."""

    def __init__(self, place: Path) -> None:
        self.bare = place / "demo.git"
        self.publisher = place / "publisher"
        self.home = place / "home"
        self.clone = self.home / "notebooks" / "demo"
        git(place, "init", "--quiet", "--bare", str(self.bare))
        git(place, "clone", "--quiet", str(self.bare), str(self.publisher))
        self.publish({"a.txt": lines("first"), "b.txt": "b\n", "n.ipynb": notebook("1"), ".gitignore": "*.dat\n"})
        self.clone.parent.mkdir(parents=True)
        assert self.refresh() == "cloned"

    @property
    def repository(self) -> Repository:
        return Repository(str(self.bare), "main")

    def publish(self, files: dict[str, str | None], *push: str) -> None:
        for name, text in files.items():
            path = self.publisher / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        git(self.publisher, "add", "--all", "--force")
        git(self.publisher, "commit", "--quiet", "--message", "news")
        git(self.publisher, "push", "--quiet", *push, "origin", "HEAD:main")

    def refresh(self) -> str:
        folder = self.clone if self.clone.exists() else self.clone.parent
        return refresh(self.clone, self.repository, Git(folder, protocols="file"))

    def left_alone(self) -> str:
        before = self.everything()
        with pytest.raises(LeftAlone) as reason:
            self.refresh()
        assert self.everything() == before
        return str(reason.value)

    def read(self, name: str) -> str:
        return (self.clone / name).read_text()

    def write(self, name: str, text: str) -> None:
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def everything(self) -> dict[str, bytes]:
        """The work tree, and where the owner stands."""
        files = {
            str(path.relative_to(self.clone)): path.read_bytes()
            for path in self.clone.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(self.clone).parts
        }
        status = git(self.clone, "status", "--porcelain=v1", "--ignored")
        state = [git(self.clone, *words) for words in (["rev-parse", "HEAD"], ["stash", "list"], ["ls-files", "-s"])]
        return files | {"": "\n".join([status, *state]).encode()}

    def beside(self, name: str) -> Path:
        (found,) = self.clone.glob(f"{Path(name).stem}.yours-*{Path(name).suffix}")
        return found

    def kept(self) -> str:
        """The name of what was kept for the owner."""
        (name,) = git(self.clone, "for-each-ref", "--format=%(refname:lstrip=1)", "refs/jld/before-*").splitlines()
        return name

    @property
    def newest(self) -> bool:
        return git(self.clone, "rev-parse", "HEAD") == git(self.bare, "rev-parse", "main")


def lines(first: str, last: str = "end") -> str:
    return "\n".join([first, *"0123456789", last, ""])


def notebook(*sources: str) -> str:
    cells = [
        {"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": [source]}
        for n, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def book(items: Sequence[str] = ITEMS, *, depth: int = 1, first: str = "", last: str = "", cells: str = "abcde") -> str:
    """A notebook with a line for each thing: in its metadata a list of items, so many brackets deep, and two members."""
    cell = '{{"id": "{}", "cell_type": "markdown", "metadata": {{}}, "source": []}}'
    return "\n".join(
        [
            *('{"nbformat": 4,', '"nbformat_minor": 5,', '"metadata": {', *filter(None, [first]), '"a": 0,'),
            *(f'"x": {"[" * depth}', *items, f"{']' * depth},", *filter(None, [last]), '"b": 0', "},", '"cells": ['),
            *",\n".join(cell.format(name) for name in cells).split("\n"),
            "]",
            "}\n",
        ]
    )
