"""What an owner may have done in a clone, and what may have come from the server meanwhile."""

import shutil
import subprocess
from collections.abc import Callable

from tests.unit.inside_lab.world import World, book, git, lines, notebook

CASES: dict[str, Callable[[World], None]] = {}


def case(prepare: Callable[[World], None]) -> Callable[[World], None]:
    CASES[prepare.__name__] = prepare
    return prepare


def commit(world: World, text: str = "mine\n") -> None:
    world.write("b.txt", text)
    git(world.clone, "commit", "--quiet", "--all", "--message", text.strip())


def rewrite(world: World, files: dict[str, str | None]) -> None:
    git(world.publisher, "commit", "--quiet", "--amend", "--message", "another first")
    world.publish(files, "--force")


def stash(world: World, text: str) -> None:
    world.write("a.txt", text)
    git(world.clone, "stash", "push", "--quiet", "--message", text.strip())


@case
def everything_at_once(world: World) -> None:
    world.publish(
        {"staged.txt": lines("s"), "gone/c.txt": "c\n", "gone/d.txt": "d\n", "swap": "file\n", "tree/x": "x\n"}
    )
    world.publish({"script.sh": lines("#!/bin/sh"), "removed.txt": "r\n"})
    (world.publisher / "link").symlink_to("a.txt")
    world.publish({})
    world.refresh()
    stash(world, "older stash\n")
    stash(world, "newer stash\n")
    world.write("a.txt", lines("first", "mine"))
    world.write("n.ipynb", notebook("mine"))
    world.write("staged.txt", lines("staged"))
    git(world.clone, "add", "staged.txt")
    world.write("staged.txt", lines("s", "and changed again"))
    world.write("gone/c.txt", "mine\n")
    world.write("swap", "mine\n")
    world.write("untracked.txt", "mine\n")
    world.write("ignored.dat", "mine\n")
    (world.clone / "removed.txt").unlink()
    (world.clone / "script.sh").chmod(0o755)
    (world.clone / "link").unlink()
    (world.clone / "link").symlink_to("./b.txt")
    (world.publisher / "swap").unlink()
    (world.publisher / "link").unlink()
    (world.publisher / "link").symlink_to("n.ipynb")
    shutil.rmtree(world.publisher / "tree")
    world.publish({"a.txt": lines("theirs"), "n.ipynb": notebook("theirs"), "staged.txt": lines("s", "theirs")})
    world.publish({"gone/c.txt": None, "gone/d.txt": None, "swap/inside.txt": "theirs\n", "tree": "a file now\n"})
    world.publish({"script.sh": lines("#!/bin/bash"), "removed.txt": "theirs\n", "new/e.txt": "theirs\n"})


@case
def joined_and_collided(world: World) -> None:
    stash(world, "a stash\n")
    world.write("a.txt", lines("first", "mine"))
    world.write("n.ipynb", notebook("mine"))
    world.publish({"a.txt": lines("theirs"), "n.ipynb": notebook("theirs")})


@case
def joined_into_nonsense(world: World) -> None:
    world.publish({"m.ipynb": book()})
    world.refresh()
    world.write("m.ipynb", book(cells="axbcde"))
    world.write("b.txt", "mine\n")
    world.publish({"m.ipynb": book(cells="abcdxe"), "b.txt": "theirs\n"})


@case
def joined(world: World) -> None:
    world.write("a.txt", lines("first", "mine"))
    world.publish({"a.txt": lines("theirs")})


@case
def untouched(world: World) -> None:
    world.publish({"a.txt": lines("theirs"), "b.txt": None, "new/c.txt": "c\n"})


@case
def rewritten_with_changes(world: World) -> None:
    world.write("a.txt", lines("mine"))
    world.write("b.txt", "staged\n")
    git(world.clone, "add", "b.txt")
    world.write("b.txt", "b\n")
    rewrite(world, {"a.txt": lines("theirs"), "b.txt": "theirs\n"})


@case
def rewritten_below_commits(world: World) -> None:
    commit(world)
    rewrite(world, {"a.txt": lines("theirs")})


@case
def rewritten_while_on_no_branch(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--detach", "HEAD")
    commit(world)
    rewrite(world, {"a.txt": lines("theirs")})


@case
def on_another_branch(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--create", "mine")
    commit(world)
    world.write("a.txt", lines("mine"))
    world.publish({"a.txt": lines("theirs")})


@case
def renamed_on_the_server(world: World) -> None:
    world.write("a.txt", lines("mine"))
    git(world.publisher, "push", "--quiet", "origin", "HEAD:other")
    git(world.bare, "update-ref", "-d", "refs/heads/main")


@case
def untracked_and_new(world: World) -> None:
    world.write("new.txt", "mine\n")
    world.publish({"new.txt": "theirs\n"})


@case
def ignored_and_new(world: World) -> None:
    world.write("cache.dat", "mine\n")
    world.publish({"cache.dat": "theirs\n"})


@case
def staged_and_new(world: World) -> None:
    world.write("new.txt", "staged\n")
    git(world.clone, "add", "new.txt")
    (world.clone / "new.txt").unlink()
    world.publish({"new.txt": "theirs\n"})


@case
def changed_in_a_folder_that_becomes_a_file(world: World) -> None:
    world.publish({"folder/x": "x\n", "folder/y": "y\n"})
    world.refresh()
    world.write("folder/x", "mine\n")
    shutil.rmtree(world.publisher / "folder")
    world.publish({"folder": "theirs\n"})


@case
def a_file_that_its_owner_made_a_folder(world: World) -> None:
    (world.clone / "b.txt").unlink()
    world.write("b.txt/inside", "mine\n")
    world.publish({"b.txt": "theirs\n"})


@case
def a_folder_that_its_owner_made_a_link(world: World) -> None:
    world.publish({"folder/x": "x\n"})
    world.refresh()
    (world.clone / "folder").rename(world.home / "elsewhere")
    (world.clone / "folder").symlink_to(world.home / "elsewhere")
    (world.home / "elsewhere" / "x").write_text("mine\n")
    world.publish({"folder/x": "theirs\n"})


@case
def a_merge_of_the_owners(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--create", "other")
    commit(world, "other\n")
    git(world.clone, "switch", "--quiet", "main")
    commit(world, "main\n")
    subprocess.run(["git", "merge", "--quiet", "other"], cwd=world.clone, capture_output=True, check=False)
    world.publish({"b.txt": "theirs\n"})


@case
def a_rebase_of_the_owners(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--create", "other")
    commit(world, "other\n")
    git(world.clone, "switch", "--quiet", "main")
    commit(world, "main\n")
    subprocess.run(["git", "rebase", "--quiet", "other"], cwd=world.clone, capture_output=True, check=False)
    world.publish({"b.txt": "theirs\n"})


@case
def a_filter_that_leaves_something_out(world: World) -> None:
    """As nbstripout does: git takes the file for unchanged."""
    git(world.clone, "config", "filter.strip.clean", "sed /output/d")
    (world.clone / ".git" / "info").mkdir(exist_ok=True)
    (world.clone / ".git" / "info" / "attributes").write_text("a.txt filter=strip\n")
    world.write("a.txt", lines("first", "output\nend"))
    world.publish({"a.txt": lines("theirs")})


@case
def a_submodule(world: World) -> None:
    inner = world.bare.with_name("inner")
    git(world.bare.parent, "init", "--quiet", str(inner))
    git(inner, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(world.publisher, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    world.publish({})
    world.refresh()
    git(world.clone, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    world.write("sub/notes.txt", "mine\n")
    git(inner, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(world.publisher / "sub", "pull", "--quiet")
    world.publish({"a.txt": lines("theirs")})


@case
def no_text(world: World) -> None:
    world.publish({"data.bin": "\0first\n"})
    world.refresh()
    world.write("data.bin", "\0mine\n")
    git(world.clone, "update-index", "--assume-unchanged", "data.bin")
    world.publish({"data.bin": "\0theirs\n"})
