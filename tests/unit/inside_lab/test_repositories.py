"""Notebook repositories in a home, with real git on both sides: whatever happens, nothing that its owner wrote is lost."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jld_kept import keep_files
from jld_notebook import is_notebook
from jld_repositories import LOCK, Git, LeftAlone, Repository, refresh, refresh_all
from jldhub.labs.inside import inside_files

from tests.unit.inside_lab.world import NAMED, SPLIT, World, book, git, lines, notebook


def test_an_untouched_clone_is_brought_up_to_date(world: World) -> None:
    world.publish({"a.txt": lines("second"), "new/c.txt": "c\n", "b.txt": None})
    assert world.refresh() == "brought up to date"
    assert (world.read("a.txt"), world.read("new/c.txt")) == (lines("second"), "c\n")
    assert not (world.clone / "b.txt").exists()
    assert world.refresh() == "up to date"


def test_changes_in_other_files_stay_as_they_are_staged_or_not(world: World) -> None:
    world.write("b.txt", "mine\n")
    world.write("staged.txt", "staged\n")
    git(world.clone, "add", "staged.txt")
    world.write("staged.txt", "and changed again\n")
    world.write("untracked.txt", "mine too\n")
    world.publish({"a.txt": lines("second")})
    status = git(world.clone, "status", "--porcelain")
    assert world.refresh() == "brought up to date"
    assert world.newest
    assert git(world.clone, "status", "--porcelain") == status
    assert git(world.clone, "show", ":staged.txt") == "staged"
    assert [world.read(name) for name in ("a.txt", "b.txt", "staged.txt", "untracked.txt")] == [
        *(lines("second"), "mine\n", "and changed again\n", "mine too\n")
    ]


def test_changes_in_the_same_file_are_joined_where_they_do_not_collide(world: World) -> None:
    world.write("a.txt", lines("first", "my end"))
    world.write("b.txt", "mine\n")
    world.publish({"a.txt": lines("second")})
    said = world.refresh()
    assert said == f"brought up to date. Your changes are in place. What you had is kept as {world.kept()}"
    assert world.newest
    assert (world.read("a.txt"), world.read("b.txt")) == (lines("second", "my end"), "mine\n")
    assert git(world.clone, "show", f"{world.kept()}:a.txt") + "\n" == lines("first", "my end")
    assert git(world.clone, "stash", "list") == ""


def test_what_collides_is_put_beside_the_newest_version_and_both_can_be_read(world: World) -> None:
    world.write("n.ipynb", notebook("mine"))
    world.write("b.txt", "mine\n")
    git(world.clone, "add", "b.txt")
    world.publish({"n.ipynb": notebook("theirs")})
    said = world.refresh()
    own = world.beside("n.ipynb")
    assert said == (
        f"brought up to date. Changed by you and by others: n.ipynb (yours is {own.name}). "
        f"What you had is kept as {world.kept()}"
    )
    assert world.newest
    assert json.loads(world.read("n.ipynb")) == json.loads(notebook("theirs"))
    assert json.loads(own.read_text()) == json.loads(notebook("mine"))
    assert world.read("b.txt") == "mine\n"
    assert git(world.clone, "ls-files", "--unmerged") == ""
    assert git(world.clone, "diff", "--cached", "--name-only") == "b.txt"
    assert git(world.clone, "show", f"{world.kept()}:n.ipynb") == notebook("mine").strip()
    assert world.refresh() == "up to date"
    assert world.read("n.ipynb") == notebook("theirs")


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        pytest.param(book(depth=2), book(SPLIT), id="no JSON"),
        pytest.param(book().removesuffix("]\n}\n"), book(first=NAMED), id="cut off by its owner"),
        pytest.param(book(cells="axbcde"), book(cells="abcdxe"), id="a cell twice"),
        pytest.param(book(first=NAMED), book(last=NAMED), id="a name twice"),
    ],
)
def test_a_notebook_whose_lines_git_joined_into_nonsense_counts_as_a_collision(
    world: World, mine: str, theirs: str
) -> None:
    """Also where another file collides."""
    world.publish({"m.ipynb": book()})
    world.refresh()
    world.write("m.ipynb", mine)
    world.write("b.txt", "mine\n")
    base = world.clone.with_name("base")
    base.write_text(book())
    world.publish({"m.ipynb": theirs, "b.txt": "theirs\n"})
    names = [str(path) for path in (world.clone / "m.ipynb", base, world.publisher / "m.ipynb")]
    assert not is_notebook(git(world.clone, "merge-file", "-p", *names).encode())  # without a conflict
    assert "b.txt (yours is b.yours-" in world.refresh()
    assert (world.read("m.ipynb"), world.beside("m.ipynb").read_text()) == (theirs, mine)


def test_lines_of_a_notebook_are_joined_where_it_stays_one(world: World) -> None:
    world.publish({"m.ipynb": book()})
    world.refresh()
    world.write("m.ipynb", book(cells="abcdxe"))
    world.publish({"m.ipynb": book(SPLIT)})
    assert "Your changes are in place" in world.refresh()
    assert world.read("m.ipynb") == book(SPLIT, cells="abcdxe")


@pytest.mark.parametrize("removed_by", ["owner", "others"])
def test_a_file_that_one_side_removed_and_the_other_changed(world: World, removed_by: str) -> None:
    if removed_by == "owner":
        (world.clone / "b.txt").unlink()
        world.publish({"b.txt": "theirs\n"})
        assert world.refresh().endswith("b.txt (you had removed it)")
        assert world.read("b.txt") == "theirs\n"
    else:
        world.write("b.txt", "mine\n")
        world.publish({"b.txt": None})
        world.refresh()
        assert not (world.clone / "b.txt").exists()
        assert world.beside("b.txt").read_text() == "mine\n"
    assert world.newest


@pytest.mark.parametrize(
    ("own", "news"),
    [
        ("new.txt", "new.txt"),
        ("cache.dat", "cache.dat"),  # ignored: git itself would write over it
        ("folder", "folder/inside.txt"),
        ("folder/mine.txt", "folder"),
    ],
)
def test_a_file_that_git_does_not_know_is_never_written_over(world: World, own: str, news: str) -> None:
    world.write(own, "mine\n")
    world.publish({news: "theirs\n"})
    assert world.left_alone() == (
        f"{news} is new in the newest version, and you have a file of your own there; rename yours"
    )


def test_commits_of_the_owners_are_left_alone(world: World) -> None:
    world.write("b.txt", "mine\n")
    git(world.clone, "commit", "--quiet", "--all", "--message", "mine")
    assert world.refresh() == "up to date"
    world.publish({"a.txt": lines("second")})
    world.write("a.txt", lines("first", "not committed"))
    assert world.left_alone() == "you have commits of your own on main; `git pull` joins them with the newest version"


def test_a_branch_that_was_rewritten_is_followed_where_the_owner_has_no_commit(world: World) -> None:
    world.write("b.txt", "mine\n")
    git(world.publisher, "commit", "--quiet", "--amend", "--message", "another first")
    world.publish({"a.txt": lines("rewritten")}, "--force")
    assert world.refresh() == "brought up to date"
    assert world.newest
    assert (world.read("a.txt"), world.read("b.txt")) == (lines("rewritten"), "mine\n")


def test_a_rewritten_branch_and_a_change_that_collides(world: World) -> None:
    world.write("a.txt", lines("mine"))
    git(world.publisher, "commit", "--quiet", "--amend", "--message", "another first")
    world.publish({"a.txt": lines("rewritten")}, "--force")
    assert "a.txt (yours is a.yours-" in world.refresh()
    assert (world.read("a.txt"), world.beside("a.txt").read_text()) == (lines("rewritten"), lines("mine"))


def test_staged_changes_stay_staged_on_a_rewritten_branch_that_keeps_a_name(world: World) -> None:
    world.write("b.txt", "staged\n")
    git(world.clone, "add", "b.txt")
    earlier = git(world.clone, "rev-parse", "HEAD")
    git(world.publisher, "commit", "--quiet", "--amend", "--message", "another first")
    world.publish({"a.txt": lines("rewritten")}, "--force")
    assert world.refresh() == "brought up to date"
    assert git(world.clone, "status", "--porcelain") == "M  b.txt"
    assert git(world.clone, "for-each-ref", "--format=%(objectname)", "refs/jld/rewritten-*") == earlier


def test_on_a_branch_of_their_own_the_owner_stays_and_the_followed_branch_moves(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--create", "mine")
    world.write("a.txt", lines("mine"))
    world.publish({"a.txt": lines("second")})
    before = world.everything()
    assert world.refresh() == "you are on mine, which stays as it is; main is up to date"
    assert world.everything() == before
    assert git(world.clone, "rev-parse", "main") == git(world.bare, "rev-parse", "main")


def test_a_detached_head_stays(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--detach", "HEAD")
    world.publish({"a.txt": lines("second")})
    assert world.refresh() == "you are on no branch, which stays as it is; main is up to date"


def test_offline_nothing_changes(world: World) -> None:
    world.bare.rename(world.bare.with_name("gone"))
    assert world.left_alone().startswith("its newest version could not be fetched: ")


def test_a_branch_that_was_deleted(world: World) -> None:
    git(world.publisher, "push", "--quiet", "origin", "HEAD:other")
    git(world.bare, "update-ref", "-d", "refs/heads/main")
    assert world.left_alone() == "its branch main is no longer there; what you have stays as it is"


def unfinished_merge(world: World) -> None:
    git(world.clone, "switch", "--quiet", "--create", "other")
    world.write("b.txt", "other\n")
    git(world.clone, "commit", "--quiet", "--all", "--message", "other")
    git(world.clone, "switch", "--quiet", "main")
    world.write("b.txt", "main\n")
    git(world.clone, "commit", "--quiet", "--all", "--message", "main")
    subprocess.run(["git", "merge", "--quiet", "other"], cwd=world.clone, capture_output=True, check=False)


def lock(world: World) -> None:
    (world.clone / ".git" / "index.lock").touch()


def other_origin(world: World) -> None:
    git(world.clone, "remote", "set-url", "origin", "https://ada:secret@example.org/demo.git")


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (unfinished_merge, "you are in the middle of a merge or a rebase; finish it"),
        (lock, "another git is at work in it, or was interrupted; if none is, remove "),
        (other_origin, "comes from another address; move it away to get this one"),
    ],
)
def test_what_is_unfinished_or_another_is_left_alone(
    world: World, prepare: Callable[[World], None], sentence: str
) -> None:
    prepare(world)
    world.publish({"a.txt": lines("second")})
    if prepare is lock:  # git itself says nothing beside a lock
        with pytest.raises(LeftAlone) as reason:
            world.refresh()
        said = str(reason.value).removesuffix(str(world.clone / ".git" / "index.lock"))
    else:
        said = world.left_alone()
    assert said.endswith(sentence)
    assert "secret" not in said


def test_the_locks_of_a_refresh_that_was_killed_inside_git_do_not_stop_the_next_one(world: World) -> None:
    world.publish({"a.txt": lines("second")})
    directory = world.clone / ".git"
    (directory / "index.lock").symlink_to("jld")
    for each in ("HEAD", "refs/heads/main", "refs/remotes/origin/main", "refs/jld/before-20200101T000000Z"):
        (directory / each).parent.mkdir(parents=True, exist_ok=True)
        (directory / f"{each}.lock").touch()
    assert world.refresh() == "brought up to date"
    assert list(directory.rglob("*.lock")) == []


def test_the_lock_of_a_ref_that_another_git_holds_is_named(world: World) -> None:
    world.publish({"a.txt": lines("second")})
    held = world.clone / ".git" / "refs" / "heads" / "main.lock"
    held.touch()
    with pytest.raises(LeftAlone) as reason:
        world.refresh()
    assert str(reason.value) == f"another git is at work in it, or was interrupted; if none is, remove {held}"
    assert held.exists()
    held.unlink()
    assert world.refresh() == "brought up to date"


def test_staged_content_that_differs_from_the_file_is_kept_too(world: World) -> None:
    world.write("a.txt", lines("first", "staged"))
    git(world.clone, "add", "a.txt")
    world.write("a.txt", lines("first", "and changed again"))
    world.publish({"a.txt": lines("first", "theirs")})
    assert "a.txt (yours is a.yours-" in world.refresh()
    assert world.beside("a.txt").read_text() == lines("first", "and changed again")
    assert git(world.clone, "show", f"{world.kept()}^2:a.txt") + "\n" == lines("first", "staged")


def test_a_stash_of_the_owners_own_is_not_touched(world: World) -> None:
    world.write("a.txt", lines("mine"))
    git(world.clone, "stash", "push", "--quiet", "--message", "for later")
    world.publish({"a.txt": lines("second")})
    assert world.refresh() == "brought up to date"
    assert "for later" in git(world.clone, "stash", "list")
    assert world.read("a.txt") == lines("second")


def test_hooks_of_the_clone_do_not_run(world: World) -> None:
    hook = world.clone / ".git" / "hooks" / "post-merge"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    world.publish({"a.txt": lines("second")})
    world.refresh()
    assert not (world.clone / "ran").exists()


def test_a_clone_that_was_interrupted_is_made_anew(world: World) -> None:
    subprocess.run(["rm", "-r", str(world.clone)], check=True)
    half = world.clone.with_name(".demo.jld-clone")
    half.mkdir()
    (half / "rubbish").touch()
    assert world.refresh() == "cloned"
    assert not half.exists()


def test_what_is_in_the_place_of_a_clone_is_left_alone(world: World, tmp_path: Path) -> None:
    other = world.clone.with_name("other")
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    (world.clone.parent / "link").symlink_to(tmp_path)
    (world.clone.parent / "file").write_text("x")
    for name, reason in (("other", "is no git repository"), ("link", "is no folder"), ("file", "is no folder")):
        with pytest.raises(LeftAlone, match=reason):
            refresh(world.clone.with_name(name), world.repository, Git(world.clone.parent, protocols="file"))
    assert (other / "thesis.tex").read_text() == "years of work"


def test_a_branch_that_never_was_leaves_nothing_behind(world: World) -> None:
    target = world.clone.with_name("again")
    with pytest.raises(LeftAlone, match=r"could not be cloned: .*Remote branch nothere not found"):
        refresh(target, Repository(str(world.bare), "nothere"), Git(target.parent, protocols="file"))
    assert [each.name for each in target.parent.iterdir()] == ["demo"]


def test_only_https_is_spoken(world: World) -> None:
    with pytest.raises(LeftAlone, match="transport 'file' not allowed"):
        refresh(world.clone, world.repository, Git(world.clone))


def test_a_server_that_never_answers_is_not_waited_for(world: World) -> None:
    with pytest.raises(LeftAlone, match="no time left"):
        refresh(world.clone, world.repository, Git(world.clone, deadline=0, protocols="file"))
    slow = world.bare.parent / "slow"
    slow.write_text("#!/bin/sh\nsleep 600\n")
    slow.chmod(0o755)
    with pytest.raises(LeftAlone, match="the server did not answer within 0 seconds"):
        Git(world.clone, protocols="file").run("fetch", f"--upload-pack={slow}", "origin", seconds=0.2)


def test_one_that_fails_does_not_keep_the_others_from_being_refreshed(world: World) -> None:
    def make(folder: Path, deadline: float) -> Git:
        return Git(folder, deadline, protocols="file")

    missing = Repository(str(world.bare.with_name("missing.git")), "main")
    world.publish({"a.txt": lines("second")})
    failed, refreshed = refresh_all(world.home, [missing, world.repository], make)
    assert failed.startswith("notebooks/missing: left alone: it could not be cloned: ")
    assert refreshed == "notebooks/demo: brought up to date."


def test_a_file_that_is_saved_while_it_is_refreshed_is_not_overwritten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_and_save(*arguments: Any) -> None:
        keep_files(*arguments)
        world.write("a.txt", lines("newer"))

    world.write("a.txt", lines("mine"))
    world.publish({"a.txt": lines("theirs")})
    with monkeypatch.context() as patch:
        patch.setattr("jld_update.keep_files", keep_and_save)
        with pytest.raises(LeftAlone, match=r"you changed a\.txt at this moment"):
            world.refresh()
    assert world.read("a.txt") == lines("newer")
    world.refresh()
    assert (world.read("a.txt"), world.newest) == (lines("theirs"), True)
    assert lines("newer") in [beside.read_text() for beside in world.clone.glob("a.yours-*.txt")]


def test_a_part_of_a_repository_is_left_alone(world: World) -> None:
    git(world.clone, "sparse-checkout", "set", "nothing")
    world.publish({"a.txt": lines("second")})
    assert world.left_alone() == "you checked out a part of it; `git pull` brings that part up to date"


def test_two_labs_on_one_home_do_not_refresh_at_once(world: World) -> None:
    world.publish({"a.txt": lines("second")})
    with (world.home / "notebooks" / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (said,) = refresh_all(world.home, [world.repository], lambda folder, _: Git(folder, protocols="file"))
    assert said == "notebooks: left alone: another lab of yours is refreshing it."
    assert world.read("a.txt") == lines("first")


@pytest.mark.parametrize(
    ("text", "url", "branch", "name"),
    [
        ("https://github.com/lsst/demo.git@prod", "https://github.com/lsst/demo.git", "prod", "demo"),
        ("https://example.org/a/b/", "https://example.org/a/b/", "", "b"),
        ("https://example.org/x@feature/one", "https://example.org/x", "feature/one", "x"),
    ],
)
def test_addresses(text: str, url: str, branch: str, name: str) -> None:
    repository = Repository.parse(text)
    assert (repository.url, repository.branch, repository.name) == (url, branch, name)


def test_the_files_of_a_lab_run_in_isolated_mode(tmp_path: Path) -> None:
    """As jld-lab starts them: `python3 -I` does not look for modules in the folder of the script."""
    for name, text in inside_files().items():
        if name.startswith("library/"):
            (tmp_path / Path(name).name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "jld_repositories.py")],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
