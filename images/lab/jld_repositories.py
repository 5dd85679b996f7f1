"""Clones the site's notebook repositories into a home, and refreshes them, without ever losing what its owner changed.

It runs beside a lab that starts, as the lab's owner. What it cannot do without touching somebody's work it leaves undone and says
so. What collides with a newer version is put beside that: a notebook with git's conflict marks in it opens in no notebook editor.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FOLDER = "notebooks"  # below the home
SECONDS = 300  # for all of them together, and no more than a third of it for one
# The names of our entries in `git stash list`: one that a refresh was interrupted with, and one that is a second copy only.
INTERRUPTED = "jld: set aside for a refresh"
COPY = "jld: your changes as they were before a refresh"
_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply")


class LeftAlone(Exception):
    """A repository stays as it is. The sentence says why, and what its owner may do."""


@dataclass(frozen=True)
class Repository:
    """`https://host/name.git@branch`; without a branch it is the one that the clone began with."""

    url: str
    branch: str = ""

    @classmethod
    def parse(cls, text: str) -> "Repository":
        url, _, branch = text.partition("@")
        return cls(url, branch)

    @property
    def name(self) -> str:
        return self.url.rstrip("/").rpartition("/")[2].removesuffix(".git")


@dataclass(frozen=True)
class Git:
    """git in one folder, without hooks, without questions, without a pager."""

    folder: Path
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    protocols: str = "https"

    def run(self, *words: str, seconds: float | None = None) -> subprocess.CompletedProcess[bytes]:
        """`seconds` is for what goes through a network. What changes files is never stopped half-way."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        settings = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": self.protocols, "LC_ALL": "C"}
        kept = {name: os.environ[name] for name in ("GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL") if name in os.environ}
        command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.quotePath=false", *words]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=plain | settings | kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # git's own children end with it
        ) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                raise LeftAlone(f"the server did not answer within {seconds:.0f} seconds") from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def over_network(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise LeftAlone("there was no time left for it")
        return self.run(*words, seconds=min(left, SECONDS / 3))

    def succeeds(self, *words: str) -> bool:
        return self.run(*words).returncode == 0

    def text(self, *words: str) -> str:
        """What it prints; nothing when it fails."""
        done = self.run(*words)
        return done.stdout.decode(errors="surrogateescape").strip() if done.returncode == 0 else ""

    def paths(self, *words: str) -> list[str]:
        """What it lists with `-z`."""
        done = self.run(*words)
        if done.returncode:
            raise LeftAlone(f"git does not read it: {last_line(done.stderr)}")
        return [path.decode(errors="surrogateescape") for path in done.stdout.split(b"\0") if path]

    def do(self, *words: str) -> None:
        done = self.run(*words)
        if done.returncode:
            raise LeftAlone(f"git {words[0]}: {last_line(done.stderr)}")


def last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no reason given"


def refresh(target: Path, repository: Repository, git: Git) -> str:
    """Bring `target` up to date and say what was done. Raises LeftAlone."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise LeftAlone(f"{target} is no folder of yours; move it away to get the repository")
    if not target.exists() or not any(target.iterdir()):
        return _clone(target, repository, git)
    if not (target / ".git").is_dir():
        raise LeftAlone(f"{target} is no git repository; move it away to get this one")
    return _update(repository, git)


def _clone(target: Path, repository: Repository, git: Git) -> str:
    """Beside its place first, so that a clone which is interrupted leaves no half of one."""
    half = target.with_name(f".{target.name}.jld-clone")
    shutil.rmtree(half, ignore_errors=True)
    branch = ["--branch", repository.branch] if repository.branch else []
    try:
        done = git.over_network("clone", "--quiet", *branch, "--", repository.url, str(half))
        if done.returncode:
            raise LeftAlone(f"it could not be cloned: {last_line(done.stderr)}")
        half.rename(target)  # also onto a folder that is empty, and onto no other
    except OSError as error:
        raise LeftAlone(f"it could not be put into its place: {error.strerror}") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return "cloned"


def _update(repository: Repository, git: Git) -> str:
    _refuse_unfinished(repository, git)
    said = _restore(git, []) if INTERRUPTED in git.text("stash", "list", "-1", "--format=%gs") else ""
    branch = repository.branch or git.text("symbolic-ref", "--short", "refs/remotes/origin/HEAD").partition("/")[2]
    if not branch:
        raise LeftAlone("it does not say which branch to follow; write one behind @ in its address")
    remote = f"refs/remotes/origin/{branch}"
    before = git.text("rev-parse", "--verify", "--quiet", remote)
    fetched = git.over_network("fetch", "--quiet", "--no-tags", "origin", f"+refs/heads/{branch}:{remote}")
    if fetched.returncode:
        if b"couldn't find remote ref" in fetched.stderr:
            raise LeftAlone(f"its branch {branch} is no longer there; what you have stays as it is")
        raise LeftAlone(f"its newest version could not be fetched: {last_line(fetched.stderr)}")
    current = git.text("symbolic-ref", "--short", "--quiet", "HEAD")
    if current != branch:
        # Only forward, and only where nobody works on it: git sees to both.
        moved = git.succeeds("fetch", "--quiet", ".", f"{remote}:refs/heads/{branch}")
        where = f"you are on {current or 'no branch'}, which stays as it is"
        return f"{where}; {branch} is {'up to date' if moved else 'left alone too'}"
    if git.succeeds("merge-base", "--is-ancestor", remote, "HEAD"):
        return said or "up to date"
    return " ".join(filter(None, [said, _move(git, branch, remote, before)]))


def _refuse_unfinished(repository: Repository, git: Git) -> None:
    inside = git.folder / ".git"
    if git.text("config", "--get", "remote.origin.url") != repository.url:
        raise LeftAlone(f"{git.folder} comes from another address; move it away to get this one")
    if any((inside / each).exists() for each in _UNFINISHED) or git.paths("ls-files", "--unmerged", "-z"):
        raise LeftAlone("you are in the middle of a merge or a rebase; finish it")
    if (inside / "index.lock").exists():
        raise LeftAlone("another git is at work in it, or was interrupted; if none is, remove .git/index.lock")


def _move(git: Git, branch: str, remote: str, before: str) -> str:
    """Put the newest version in place, under the owner's changes."""
    step: tuple[str, ...]
    if git.succeeds("merge-base", "--is-ancestor", "HEAD", remote):
        # Without the option, git takes a file that is ignored for one that nobody needs.
        step = ("merge", "--quiet", "--ff-only", "--no-overwrite-ignore", remote)
    elif before and git.succeeds("merge-base", "--is-ancestor", "HEAD", before):
        # The other side was rewritten, and there is no commit of the owner's.
        if git.paths("diff", "--cached", "--name-only", "-z"):
            raise LeftAlone(f"{branch} was rewritten, and you have staged changes; commit or unstage them")
        step = ("reset", "--quiet", "--keep", remote)
    else:
        raise LeftAlone(f"you have commits of your own on {branch}; `git pull` joins them with the newest version")
    if in_the_way := list(_in_the_way(git, remote)):
        raise LeftAlone(
            f"{in_the_way[0]} is new in the newest version, and you have a file of your own there; rename yours"
        )
    theirs = set(git.paths("diff", "--name-only", "--no-renames", "-z", "HEAD", remote))
    both = sorted(theirs & set(git.paths("diff", "--name-only", "--no-renames", "-z", "HEAD")))
    if not both:
        git.do(*step)
        return "brought up to date"
    git.do("stash", "push", "--quiet", "--message", INTERRUPTED)
    try:
        git.do(*step)
    except LeftAlone:
        git.do("stash", "pop", "--quiet", "--index")  # onto what it was made of
        raise
    return "brought up to date. " + _restore(git, both)


def _in_the_way(git: Git, remote: str) -> Iterator[str]:
    """Paths that the newest version adds where a file or a folder is that git does not know."""
    tracked = set(git.paths("ls-files", "-z"))
    for path in git.paths("diff", "--name-only", "--no-renames", "--diff-filter=A", "-z", "HEAD", remote):
        place = git.folder / path
        parents = [parent for parent in place.parents if parent.is_relative_to(git.folder) and parent != git.folder]
        blocked = [parent for parent in parents if parent.is_symlink() or (parent.exists() and not parent.is_dir())]
        if os.path.lexists(place) or any(str(each.relative_to(git.folder)) not in tracked for each in blocked):
            yield path


def _restore(git: Git, changed: Sequence[str]) -> str:
    """Put back what was stashed. `changed` are the paths that both sides changed."""
    stash = git.text("rev-parse", "refs/stash")
    if git.succeeds("stash", "pop", "--quiet", "--index"):
        beside = [
            _put_beside(git, path, f"{stash}:{path}") for path in changed if _is_broken_notebook(git.folder / path)
        ]
        for path, _ in beside:
            git.do("checkout", "--quiet", "HEAD", "--", path)
    else:
        stages = _unmerged(git)
        if not stages:  # how the index was is not worth a conflict
            applied = git.succeeds("stash", "apply", "--quiet")
            stages = _unmerged(git)
            if not applied and not stages:
                raise LeftAlone("what you changed is in `git stash list`, and `git stash pop` brings it back")
        beside = [_settle(git, path, numbers) for path, numbers in sorted(stages.items())]
        git.do("reset", "--quiet")
        git.do("stash", "drop", "--quiet")
        git.do("stash", "store", "--quiet", "--message", COPY, stash)
    if not beside:
        return "Your changes are in place"
    return "Changed by you and by others: " + ", ".join(
        f"{path} (yours is {Path(own).name})" if own else f"{path} (you had removed it)" for path, own in beside
    )


def _unmerged(git: Git) -> dict[str, set[int]]:
    stages: dict[str, set[int]] = {}
    for entry in git.paths("ls-files", "--unmerged", "-z"):
        head, _, path = entry.partition("\t")
        stages.setdefault(path, set()).add(int(head.split()[2]))
    return stages


def _settle(git: Git, path: str, stages: set[int]) -> tuple[str, str]:
    """One conflict: the newest version in place, the owner's beside it. Stage 2 is the newest, 3 the owner's."""
    own = _put_beside(git, path, f":3:{path}")[1] if 3 in stages else ""
    if 2 in stages:
        git.do("checkout", "--quiet", "--ours", "--", path)
    else:  # removed by the others
        git.do("rm", "--quiet", "--cached", "--", path)
        (git.folder / path).unlink(missing_ok=True)
    return path, own


def _put_beside(git: Git, path: str, version: str) -> tuple[str, str]:
    """Write a version of a file next to it, over nothing that exists."""
    content = git.run("cat-file", "blob", version)
    if content.returncode:
        raise LeftAlone(f"your version of {path} is in `git stash list`")
    place = git.folder / path
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1000):
        own = place.with_name(f"{place.stem}.yours-{now}{f'-{number}' if number else ''}{place.suffix}")
        try:
            own.parent.mkdir(parents=True, exist_ok=True)
            with own.open("xb") as file:
                file.write(content.stdout)
        except FileExistsError:
            continue
        except OSError as error:
            raise LeftAlone(f"your version of {path} is in `git stash list`: {error.strerror}") from error
        return path, str(own)
    raise LeftAlone(f"your version of {path} is in `git stash list`")


def _is_broken_notebook(path: Path) -> bool:
    """Lines of two versions that git joined without a conflict may be JSON no more."""
    if path.suffix != ".ipynb" or not path.is_file():
        return False
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return True
    return False


def refresh_all(home: Path, repositories: Sequence[Repository], make: Callable[[Path, float], Git]) -> list[str]:
    """A sentence for each of them. One that fails is no reason to leave out the others."""
    deadline = time.monotonic() + SECONDS
    folder = home / FOLDER
    said = []
    for repository in repositories:
        target = folder / repository.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = target.is_dir() and any(target.iterdir())
            sentence = refresh(target, repository, make(target if there else folder, deadline))
        except LeftAlone as reason:
            sentence = f"left alone: {reason}"
        except OSError as error:
            sentence = f"left alone: {error.filename or target}: {error.strerror}"
        said.append(f"{FOLDER}/{repository.name}: {sentence}.")
    return said


def main() -> int:
    repositories = [Repository.parse(line) for line in os.environ.get("JLD_REPOSITORIES", "").split()]
    for sentence in refresh_all(Path.home(), repositories, lambda folder, deadline: Git(folder, deadline)):
        print(sentence, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
