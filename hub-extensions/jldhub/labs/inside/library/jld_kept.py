"""What an owner had before a refresh, in commits with a name below refs/jld: `git show jld/NAME:FILE` reads a file.

Nothing removes them but their owner. The owner's stashes are not touched.
"""

import itertools
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from jld_git import Git

BEFORE = "before"  # the owner's files; the second parent has what was staged
REWRITTEN = "rewritten"  # a version of the followed branch that the server no longer has
MESSAGE = "Your files before a refresh"


def now() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def link_target(file: Path) -> bytes:
    return os.fsencode(os.readlink(file))  # noqa: PTH115 - a Path leaves out what says nothing, such as ./


def keep(git: Git, kind: str, commit: str) -> None:
    """Give a commit a name, unless it has one. Raises LeftAlone."""
    if git.do("for-each-ref", f"--points-at={commit}", f"refs/jld/{kind}-*"):
        return
    name = f"refs/jld/{kind}-{now()}"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(1)))
    git.do("update-ref", next(each for each in names if not git.text("for-each-ref", each)), commit, "")


def keep_files(git: Git, head: str, index: Path, own: Mapping[str, Path]) -> None:
    """Keep what is staged in `index`, and the versions `own` of the files at these paths. Raises LeftAlone."""
    copy = shutil.copyfile(index, index.with_name("kept"))
    env = {"GIT_INDEX_FILE": str(copy)}
    staged = _commit(git, "What you had staged before a refresh", git.do("write-tree", env=env), head)
    entries = b"".join(_entry(git, file) + b"\t" + os.fsencode(path) + b"\0" for path, file in own.items())
    git.do("update-index", "-z", "--index-info", feed=entries, env=env)
    keep(git, BEFORE, _commit(git, MESSAGE, git.do("write-tree", env=env), head, staged))


def kept_names(git: Git, head: str) -> list[str]:
    """The names of what was kept when the branch was at `head`; several after interruptions."""
    refs = git.do("for-each-ref", "--format=%(refname) %(parent)", f"refs/jld/{BEFORE}-*").splitlines()
    return [ref.split()[0].removeprefix("refs/") for ref in refs if head in ref.split()[1:2]]


def _entry(git: Git, file: Path) -> bytes:
    """A file as it is, without the filters of git's attributes, which may leave out something."""
    if file.is_symlink():
        return f"120000 {git.do('hash-object', '-w', '--stdin', feed=link_target(file))}".encode()
    mode = "100755" if file.stat().st_mode & 0o100 else "100644"
    return f"{mode} {git.do('hash-object', '-w', '--no-filters', '--', str(file))}".encode()


def _commit(git: Git, message: str, tree: str, *parents: str) -> str:
    """The same commit for the same files, so that a refresh which is repeated does not keep them twice."""
    date = f"{git.do('log', '--max-count=1', '--no-show-signature', '--format=%ct', parents[0])} +0000"
    who = {"NAME": "JLD", "EMAIL": "jld@localhost", "DATE": date}
    env = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in who.items()}
    return git.do("commit-tree", tree, *(f"-p{parent}" for parent in parents), "-m", message, env=env)
