"""Notebook repositories in a home, with real git on both sides: whatever happens, nothing that its owner wrote is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jld_repositories import COPY, INTERRUPTED, Git, LeftAlone, Repository, refresh, refresh_all


@pytest.fixture(autouse=True)
def own_git_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the machine's."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


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
        state = [git(self.clone, *words) for words in (["rev-parse", "HEAD"], ["stash", "list"])]
        return files | {"": "\n".join([status, *state]).encode()}

    def beside(self, name: str) -> Path:
        (found,) = self.clone.glob(f"{Path(name).stem}.yours-*{Path(name).suffix}")
        return found

    @property
    def newest(self) -> bool:
        return git(self.clone, "rev-parse", "HEAD") == git(self.bare, "rev-parse", "main")


def lines(first: str, last: str = "end") -> str:
    return "\n".join([first, *"0123456789", last, ""])


def notebook(source: str) -> str:
    return json.dumps({"cells": [{"source": source}], "metadata": {}}, indent=1) + "\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


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
    assert world.refresh() == "brought up to date. Your changes are in place"
    assert world.newest
    assert (world.read("a.txt"), world.read("b.txt")) == (lines("second", "my end"), "mine\n")
    assert git(world.clone, "stash", "list") == ""


def test_what_collides_is_put_beside_the_newest_version_and_both_can_be_read(world: World) -> None:
    world.write("n.ipynb", notebook("mine"))
    world.write("b.txt", "mine\n")
    git(world.clone, "add", "b.txt")
    world.publish({"n.ipynb": notebook("theirs")})
    said = world.refresh()
    own = world.beside("n.ipynb")
    assert said == f"brought up to date. Changed by you and by others: n.ipynb (yours is {own.name})"
    assert world.newest
    assert json.loads(world.read("n.ipynb")) == json.loads(notebook("theirs"))
    assert json.loads(own.read_text()) == json.loads(notebook("mine"))
    assert world.read("b.txt") == "mine\n"
    assert git(world.clone, "ls-files", "--unmerged") == ""
    assert git(world.clone, "show", "stash@{0}:n.ipynb") == notebook("mine").strip()
    assert COPY in git(world.clone, "stash", "list")
    assert world.refresh() == "up to date"  # the copy in the stash is none that was interrupted
    assert world.read("n.ipynb") == notebook("theirs")


def test_a_notebook_whose_lines_git_joined_into_nonsense_counts_as_a_collision(world: World) -> None:
    base = '{"cells": [\n1\n,\n2\n,\n3\n,\n4\n]}\n'
    world.publish({"n.ipynb": base})
    world.refresh()
    world.write("n.ipynb", base.replace('{"cells": [\n', '{"mine": {"cells": [\n').replace("]}\n", "]}}\n"))
    world.publish({"n.ipynb": base.replace("2\n,", "2\n,\n9\n,").replace("]}\n", "]}\n")})
    assert world.refresh() == "brought up to date. Your changes are in place"
    world.write("n.ipynb", '{"cells": [\n')  # cut off by its owner: what git makes of it is no JSON
    world.publish({"n.ipynb": "\n" + base})
    mine = world.read("n.ipynb")
    assert "yours is n.yours-" in world.refresh()
    assert world.beside("n.ipynb").read_text() == mine
    json.loads(world.read("n.ipynb"))


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


def test_staged_changes_and_a_rewritten_branch_are_left_alone(world: World) -> None:
    world.write("b.txt", "staged\n")
    git(world.clone, "add", "b.txt")
    git(world.publisher, "commit", "--quiet", "--amend", "--message", "another first")
    world.publish({"a.txt": lines("rewritten")}, "--force")
    assert world.left_alone() == "main was rewritten, and you have staged changes; commit or unstage them"


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
        (lock, "another git is at work in it, or was interrupted; if none is, remove .git/index.lock"),
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
        said = str(reason.value)
    else:
        said = world.left_alone()
    assert said.endswith(sentence)
    assert "secret" not in said


def test_a_refresh_that_was_killed_with_the_changes_set_aside_gives_them_back(world: World) -> None:
    world.write("a.txt", lines("mine"))
    git(world.clone, "stash", "push", "--quiet", "--message", INTERRUPTED)
    assert world.read("a.txt") == lines("first")
    assert world.refresh() == "Your changes are in place"
    assert world.read("a.txt") == lines("mine")
    assert git(world.clone, "stash", "list") == ""


def test_changes_that_no_longer_fit_stay_in_the_stash_and_are_told(world: World) -> None:
    world.write("a.txt", lines("mine"))
    git(world.clone, "stash", "push", "--quiet", "--message", INTERRUPTED)
    world.write("a.txt", lines("something else"))
    assert world.left_alone() == "what you changed is in `git stash list`, and `git stash pop` brings it back"


def test_staged_content_that_differs_from_the_file_stays_in_the_stash(world: World) -> None:
    world.write("a.txt", lines("first", "staged"))
    git(world.clone, "add", "a.txt")
    world.write("a.txt", lines("first", "and changed again"))
    world.publish({"a.txt": lines("first", "theirs")})
    assert "a.txt (yours is a.yours-" in world.refresh()
    assert world.beside("a.txt").read_text() == lines("first", "and changed again")
    assert git(world.clone, "show", "stash@{0}^2:a.txt") + "\n" == lines("first", "staged")


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


def test_the_files_that_the_image_copies_run_in_isolated_mode(tmp_path: Path) -> None:
    """As images/lab/jld-lab starts them: `python3 -I` does not look for modules in the folder of the script."""
    images = Path(__file__).parents[3] / "images" / "lab"
    (line,) = [
        line for line in (images / "Dockerfile").read_text().splitlines() if line.endswith(" /usr/local/lib/jld/")
    ]
    for name in line.split()[1:-1]:
        shutil.copy(images / name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "jld_repositories.py")],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
