"""Clones the site's notebook repositories into a home, and updates them, without ever losing the owner's changes.

It runs beside a lab that starts, as the lab's owner. A repository that cannot be updated without risk to the owner's
changes is left unchanged, with a message. On a conflict the owner's version of the file is written next to the newest
one: with git's conflict markers in it, a notebook is no valid JSON and cannot be opened.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # `python3 -I` leaves the folder of the script out
from jld_git import SECONDS, Git, LeftAlone, last_line

FOLDER = "notebooks"  # below the home
# The messages of JLD's entries in `git stash list`: the changes during an update, which an interrupted one leaves
# behind, and a backup of them after a conflict.
INTERRUPTED = "jld: set aside for a refresh"
COPY = "jld: your changes as they were before a refresh"
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
    restored = _restore(git, []) if INTERRUPTED in git.text("stash", "list", "-1", "--format=%gs") else ""
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
        # Without `+` git fetches a fast-forward only, and refuses a branch that is checked out.
        moved = git.succeeds("fetch", "--quiet", ".", f"{remote}:refs/heads/{branch}")
        where = f"you are on {current or 'no branch'}, which stays as it is"
        return f"{where}; {branch} is {'up to date' if moved else 'left alone too'}"
    if git.succeeds("merge-base", "--is-ancestor", remote, "HEAD"):
        return restored or "up to date"
    return " ".join(filter(None, [restored, _move(git, branch, remote, before)]))


def _require_updatable(repository: Repository, git: Git) -> None:
    """Raises LeftAlone for a clone of another repository, an unfinished merge or rebase, and a locked index."""
    git_directory = git.folder / ".git"
    if git.text("config", "--get", "remote.origin.url") != repository.url:
        raise LeftAlone(f"{git.folder} comes from another address; move it away to get this one")
    if any((git_directory / name).exists() for name in _UNFINISHED) or git.paths("ls-files", "--unmerged", "-z"):
        raise LeftAlone("you are in the middle of a merge or a rebase; finish it")
    if (git_directory / "index.lock").exists():
        raise LeftAlone("another git is at work in it, or was interrupted; if none is, remove .git/index.lock")


def _move(git: Git, branch: str, remote: str, before: str) -> str:
    """Move the branch to the newest version, and reapply the owner's changes.

    `before` is the remote's commit before the fetch.
    """
    step: tuple[str, ...]
    if git.succeeds("merge-base", "--is-ancestor", "HEAD", remote):
        # Without the option, git overwrites ignored files.
        step = ("merge", "--quiet", "--ff-only", "--no-overwrite-ignore", remote)
    elif before and git.succeeds("merge-base", "--is-ancestor", "HEAD", before):
        # The remote's history was rewritten, and the owner has no commits.
        if git.paths("diff", "--cached", "--name-only", "-z"):
            raise LeftAlone(f"{branch} was rewritten, and you have staged changes; commit or unstage them")
        step = ("reset", "--quiet", "--keep", remote)
    else:
        raise LeftAlone(f"you have commits of your own on {branch}; `git pull` joins them with the newest version")
    if in_the_way := list(_in_the_way(git, remote)):
        raise LeftAlone(
            f"{in_the_way[0]} is new in the newest version, and you have a file of your own there; rename yours"
        )
    changed_remotely = set(git.paths("diff", "--name-only", "--no-renames", "-z", "HEAD", remote))
    both = sorted(changed_remotely & set(git.paths("diff", "--name-only", "--no-renames", "-z", "HEAD")))
    if not both:
        git.do(*step)
        return "brought up to date"
    git.do("stash", "push", "--quiet", "--message", INTERRUPTED)
    try:
        git.do(*step)
    except LeftAlone:
        git.do("stash", "pop", "--quiet", "--index")  # without conflict, because HEAD has not moved
        raise
    return "brought up to date. " + _restore(git, both)


def _in_the_way(git: Git, remote: str) -> Iterator[str]:
    """The paths that the newest version adds where there is an untracked file or folder."""
    tracked = set(git.paths("ls-files", "-z"))
    for path in git.paths("diff", "--name-only", "--no-renames", "--diff-filter=A", "-z", "HEAD", remote):
        file = git.folder / path
        parents = [parent for parent in file.parents if parent.is_relative_to(git.folder) and parent != git.folder]
        blocked = [parent for parent in parents if parent.is_symlink() or (parent.exists() and not parent.is_dir())]
        if os.path.lexists(file) or any(str(parent.relative_to(git.folder)) not in tracked for parent in blocked):
            yield path


def _restore(git: Git, changed: Sequence[str]) -> str:
    """Reapply the stashed changes.

    `changed` are the paths that both sides changed. Returns the result for the owner.
    """
    stash = git.text("rev-parse", "refs/stash")
    if git.succeeds("stash", "pop", "--quiet", "--index"):
        beside = [
            _put_beside(git, path, f"{stash}:{path}") for path in changed if _is_broken_notebook(git.folder / path)
        ]
        for path, _ in beside:
            git.do("checkout", "--quiet", "HEAD", "--", path)
    else:
        stages = _unmerged(git)
        if not stages:  # only the staged state conflicts: apply the changes without it
            applied = git.succeeds("stash", "apply", "--quiet")
            stages = _unmerged(git)
            if not applied and not stages:
                raise LeftAlone("what you changed is in `git stash list`, and `git stash pop` brings it back")
        beside = [_resolve_conflict(git, path, path_stages) for path, path_stages in sorted(stages.items())]
        git.do("reset", "--quiet")
        git.do("stash", "drop", "--quiet")
        git.do("stash", "store", "--quiet", "--message", COPY, stash)
    if not beside:
        return "Your changes are in place"
    return "Changed by you and by others: " + ", ".join(
        f"{path} (yours is {Path(own).name})" if own else f"{path} (you had removed it)" for path, own in beside
    )


def _unmerged(git: Git) -> dict[str, set[int]]:
    """The paths with a conflict, each with its stages in the index, see git-ls-files(1)."""
    stages: dict[str, set[int]] = {}
    for entry in git.paths("ls-files", "--unmerged", "-z"):
        head, _, path = entry.partition("\t")
        stages.setdefault(path, set()).add(int(head.split()[2]))
    return stages


def _resolve_conflict(git: Git, path: str, stages: set[int]) -> tuple[str, str]:
    """Check out the newest version (stage 2), and write the owner's (stage 3) next to it.

    Returns the path and that of the owner's version, which is empty where the owner deleted the file.
    """
    own = _put_beside(git, path, f":3:{path}")[1] if 3 in stages else ""
    if 2 in stages:
        git.do("checkout", "--quiet", "--ours", "--", path)
    else:  # deleted in the newest version
        git.do("rm", "--quiet", "--cached", "--", path)
        (git.folder / path).unlink(missing_ok=True)
    return path, own


def _put_beside(git: Git, path: str, version: str) -> tuple[str, str]:
    """Write a version of a file next to it, under a new name. Returns both paths. Raises LeftAlone."""
    content = git.run("cat-file", "blob", version)
    if content.returncode:
        raise LeftAlone(f"your version of {path} is in `git stash list`")
    original = git.folder / path
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(1000):
        copy = original.with_name(f"{original.stem}.yours-{now}{f'-{number}' if number else ''}{original.suffix}")
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("xb") as file:
                file.write(content.stdout)
        except FileExistsError:
            continue
        except OSError as error:
            raise LeftAlone(f"your version of {path} is in `git stash list`: {error.strerror}") from error
        return path, str(copy)
    raise LeftAlone(f"your version of {path} is in `git stash list`")


def _is_broken_notebook(path: Path) -> bool:
    """Whether a notebook is invalid JSON, as after a merge of lines without a conflict."""
    if path.suffix != ".ipynb" or not path.is_file():
        return False
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return True
    return False


def refresh_all(home: Path, repositories: Sequence[Repository], make: Callable[[Path, float], Git]) -> list[str]:
    """Refresh all repositories below `home`, also after a failure of one. Returns a sentence for each.

    `make` creates the Git of a folder with a deadline.
    """
    deadline = time.monotonic() + SECONDS
    folder = home / FOLDER
    report = []
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
        report.append(f"{FOLDER}/{repository.name}: {sentence}.")
    return report


def main() -> int:
    repositories = [Repository.parse(text) for text in os.environ.get("JLD_REPOSITORIES", "").split()]
    for sentence in refresh_all(Path.home(), repositories, lambda folder, deadline: Git(folder, deadline)):
        print(sentence, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
