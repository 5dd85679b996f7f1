"""No version of a file is ever unreachable for its owner, whatever a refresh finds and wherever it ends."""

import os
import re
import resource
import shutil
import signal
from collections.abc import Callable

import pytest

from tests.unit.inside_lab.cases import CASES, stash
from tests.unit.inside_lab.interruptions import Refreshed, content, files, reachable, refresh_until
from tests.unit.inside_lab.world import World, git, lines


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fill_the_disk() -> None:
    """From now on no file of this process or of its git takes a byte more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


class Saved:
    """A home as it was, to which it comes back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.copy = world.home.with_name("saved")
        shutil.copytree(world.home, self.copy, symlinks=True)
        self.objects = reachable(world.clone)

    def restore(self) -> None:
        shutil.rmtree(self.world.home)
        shutil.copytree(self.copy, self.world.home, symlinks=True)


def refreshed(world: World) -> Refreshed:
    """A refresh to its end."""
    done = refresh_until(world, 0, kill)
    assert done is not None
    return done


def outcome(world: World) -> dict[str, object]:
    """Where a refresh leads to, without the dates in the names of what it put beside."""
    there = {str(file.relative_to(world.clone)): (content(file), file.lstat().st_mode) for file in files(world.clone)}
    return {
        "files": {re.sub(r"(\.yours-)\w+(-\d+)?", r"\1", name): file for name, file in there.items()},
        "state": [
            git(world.clone, *words) for words in (["rev-parse", "HEAD", "origin/main"], ["ls-files", "--stage"])
        ],
        "left behind": [name for name in ("jld", "index.lock") if os.path.lexists(world.clone / ".git" / name)],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "happens"),
    [
        *((name, kill) for name in CASES),
        *((name, fill_the_disk) for name in ("everything_at_once", "rewritten_with_changes")),
    ],
)
def test_whatever_happens_at_any_step_it_loses_nothing_and_comes_to_the_same_end(
    world: World, name: str, happens: Callable[[], None]
) -> None:
    """At the next start: without the network, where the first one had what it needed from it."""
    CASES[name](world)
    saved = Saved(world)
    done = refreshed(world)
    told = re.findall(r"jld/before-\w+", done.said)
    rewritten = git(world.clone, "for-each-ref", "--format=%(refname)", "refs/jld/rewritten-*").splitlines()
    assert saved.objects <= reachable(world.clone, ["--branches", "--remotes", *rewritten, *told])
    expected = outcome(world)
    gone = world.bare.with_name("gone")
    for number in range(1, done.steps + 1):
        saved.restore()
        refresh_until(world, number, happens)
        assert saved.objects <= reachable(world.clone), f"interrupted before step {number}"
        fetched = expected["state"][0].split()[1] == git(world.clone, "rev-parse", "origin/main")
        if fetched:
            world.bare.rename(gone)
        again = refreshed(world)
        if fetched:
            gone.rename(world.bare)
        assert saved.objects <= reachable(world.clone), f"refreshed again after step {number}"
        assert outcome(world) == expected, f"refreshed again after step {number}: {again.said}"


@pytest.mark.slow
def test_what_the_owner_does_between_two_refreshes_is_not_lost_either(world: World) -> None:
    stash(world, "older\n")
    CASES["rewritten_with_changes"](world)
    saved = Saved(world)
    for number in range(1, refreshed(world).steps + 1):
        saved.restore()
        refresh_until(world, number, kill)
        (world.clone / ".git" / "index.lock").unlink(missing_ok=True)  # as git tells its owner to
        stash(world, "newer\n")
        world.write("b.txt", "in between\n")
        stashes = git(world.clone, "stash", "list", "--format=%H")
        objects = reachable(world.clone)
        world.publish({"a.txt": lines("newest", str(number)), "b.txt": f"{number}\n"})
        assert "brought up to date" in refreshed(world).said
        assert objects <= reachable(world.clone), f"interrupted before step {number}"
        assert git(world.clone, "stash", "list", "--format=%H") == stashes
        assert world.newest
