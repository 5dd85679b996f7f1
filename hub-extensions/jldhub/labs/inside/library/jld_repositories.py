"""Clones the site's notebook repositories into a home, and updates them, without ever losing the owner's changes.

It runs beside a lab that starts, as the lab's owner. A repository that cannot be updated without risk to the owner's
changes is left unchanged, with a message. On a conflict the owner's version of the file is written next to the newest
one: with git's conflict markers in it, a notebook is no valid JSON and cannot be opened. What happens to the files is
in jld_update.py.
"""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # `python3 -I` leaves the folder of the script out
from jld_git import SECONDS, Git, LeftAlone, last_line
from jld_kept import REWRITTEN, keep
from jld_lock import locked, recover
from jld_update import move

FOLDER = "notebooks"  # below the home
LOCK = ".jld-lock"  # in this folder: two labs may share the home
_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply")


@dataclass(frozen=True)
class Repository:
    """A repository in the settings: `https://host/name.git@branch`.

    Without a branch, the default branch at the clone.
    """

    url: str
    branch: str = ""

    @classmethod
    def parse(cls, text: str) -> "Repository":
        url, _, branch = text.partition("@")
        return cls(url, branch)

    @property
    def name(self) -> str:
        """The name of the clone's folder."""
        return self.url.rstrip("/").rpartition("/")[2].removesuffix(".git")


def refresh(target: Path, repository: Repository, git: Git) -> str:
    """Clone or update the repository in `target`. Returns what was done, for the owner. Raises LeftAlone."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise LeftAlone(f"{target} is no folder of yours; move it away to get the repository")
    if not target.exists() or not any(target.iterdir()):
        return _clone(target, repository, git)
    if not (target / ".git").is_dir():
        raise LeftAlone(f"{target} is no git repository; move it away to get this one")
    return _update(repository, git)


def _clone(target: Path, repository: Repository, git: Git) -> str:
    """Clone into a temporary folder and rename it, so that an interrupted clone is not left in `target`."""
    temporary = target.with_name(f".{target.name}.jld-clone")
    shutil.rmtree(temporary, ignore_errors=True)
    branch = ["--branch", repository.branch] if repository.branch else []
    try:
        done = git.over_network("clone", "--quiet", *branch, "--", repository.url, str(temporary))
        if done.returncode:
            raise LeftAlone(f"it could not be cloned: {last_line(done.stderr)}")
        temporary.rename(target)  # replaces an empty folder, and fails for any other
    except OSError as error:
        raise LeftAlone(f"it could not be put into its place: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return "cloned"


def _update(repository: Repository, git: Git) -> str:
    _require_updatable(repository, git)
    recover(git)
    branch = repository.branch or git.text("symbolic-ref", "--short", "refs/remotes/origin/HEAD").partition("/")[2]
    if not branch:
        raise LeftAlone("it does not say which branch to follow; write one behind @ in its address")
    remote = f"refs/remotes/origin/{branch}"
    current = git.text("symbolic-ref", "--short", "--quiet", "HEAD")
    said = []
    # First the version that was fetched last, to which an interrupted refresh was on its way. It needs no network.
    if current == branch:
        with suppress(LeftAlone):  # the newest version may have what this one is missing
            said.append(_follow(git, branch, remote))
    try:
        _fetch(git, branch, remote)
        if current != branch:
            # Without `+` git fetches a fast-forward only, and refuses a branch that is checked out.
            with locked(git):
                moved = git.succeeds("fetch", "--quiet", ".", f"{remote}:refs/heads/{branch}")
            where = f"you are on {current or 'no branch'}, which stays as it is"
            return f"{where}; {branch} is {'up to date' if moved else 'left alone too'}"
        said.append(_follow(git, branch, remote))
    except LeftAlone as reason:
        if not any(said):
            raise
        said.append(str(reason))
    return ". ".join(filter(None, said)) or "up to date"


def _fetch(git: Git, branch: str, remote: str) -> None:
    """Fetch the newest version of the branch. The one before it keeps a name, also where it was rewritten."""
    fetched = git.over_network(
        *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--refmap=", "origin", f"refs/heads/{branch}")
    )
    if fetched.returncode:
        if b"couldn't find remote ref" in fetched.stderr:
            raise LeftAlone(f"its branch {branch} is no longer there; what you have stays as it is")
        raise LeftAlone(f"its newest version could not be fetched: {last_line(fetched.stderr)}")
    newest = git.do("rev-parse", "--verify", "FETCH_HEAD")
    known = git.text("rev-parse", "--verify", "--quiet", remote)
    with locked(git):
        if known and not git.succeeds("merge-base", "--is-ancestor", known, newest):
            keep(git, REWRITTEN, known)
        git.do("update-ref", "-m", "jld: refresh", remote, newest)


def _follow(git: Git, branch: str, remote: str) -> str:
    """Move the branch to the version that was fetched. Returns what was done, and nothing for nothing."""
    if git.succeeds("merge-base", "--is-ancestor", remote, "HEAD"):
        return ""
    if git.do("rev-list", "--max-count=1", "HEAD", "--not", remote, f"--glob=refs/jld/{REWRITTEN}-*"):
        raise LeftAlone(f"you have commits of your own on {branch}; `git pull` joins them with the newest version")
    return move(git, branch, git.do("rev-parse", "--verify", remote))


def _require_updatable(repository: Repository, git: Git) -> None:
    """Raises LeftAlone for a clone of another repository, a sparse one, and an unfinished merge or rebase."""
    if git.text("config", "--get", "remote.origin.url") != repository.url:
        raise LeftAlone(f"{git.folder} comes from another address; move it away to get this one")
    if git.text("config", "--type=bool", "--get", "core.sparseCheckout") == "true":
        raise LeftAlone("you checked out a part of it; `git pull` brings that part up to date")
    if any((git.folder / ".git" / name).exists() for name in _UNFINISHED) or git.paths("ls-files", "--unmerged", "-z"):
        raise LeftAlone("you are in the middle of a merge or a rebase; finish it")


def refresh_all(home: Path, repositories: Sequence[Repository], make: Callable[[Path, float], Git]) -> list[str]:
    """Refresh all repositories below `home`, also after a failure of one. Returns a sentence for each.

    `make` creates the Git of a folder with a deadline.
    """
    deadline = time.monotonic() + SECONDS
    folder = home / FOLDER
    report = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends, however it does
            for repository in repositories:
                sentence = _attempt(folder / repository.name, repository, lambda place: make(place, deadline))
                report.append(f"{FOLDER}/{repository.name}: {sentence}.")
    except BlockingIOError:
        report.append(f"{FOLDER}: left alone: another lab of yours is refreshing it.")
    except OSError as error:
        report.append(f"{FOLDER}: left alone: {error.filename or folder / LOCK}: {error.strerror}.")
    return report


def _attempt(target: Path, repository: Repository, make: Callable[[Path], Git]) -> str:
    try:
        there = target.is_dir() and any(target.iterdir())
        return refresh(target, repository, make(target if there else target.parent))
    except LeftAlone as reason:
        return f"left alone: {reason}"
    except OSError as error:
        return f"left alone: {error.filename or target}: {error.strerror}"


def main() -> int:
    repositories = [Repository.parse(text) for text in os.environ.get("JLD_REPOSITORIES", "").split()]
    for sentence in refresh_all(Path.home(), repositories, lambda folder, deadline: Git(folder, deadline)):
        print(sentence, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
