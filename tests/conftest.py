"""The closing table: what ran, on what, and what did not run and why."""

import gc
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from _pytest.terminal import TerminalReporter

from tests import interrupted
from tests.groups import Groups, place_of
from tests.longest import longest

LEVELS = ("unit", "render", "hub", "nfs", "mount", "machine", "systems", "logging", "kind", "cluster")
TESTS = Path(__file__).parent
ran_on = pytest.StashKey[dict[str, list[str]]]()  # by level, in the order in which it was told
left_out = pytest.StashKey[Counter[str]]()  # by level and why, as `cluster: by -m`


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ran_on], config.stash[left_out] = {}, Counter()
    gc.disable()  # until what pytest collects is there
    os.environ.setdefault("GOGC", "400")  # helm takes a fifth less of the processor, for memory that a test machine has
    # Tests run beside each other: how long an example takes says nothing about it.
    hypothesis.settings.register_profile("beside others", deadline=None)
    hypothesis.settings.load_profile("beside others")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    # Thousands of tests and all that they import need not be looked through again and again: a sixth of the tests' own time.
    gc.freeze()
    gc.enable()
    with interrupted.while_tests_run(session.config):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    interrupted.tell(node)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        why = "by -m or -k on the command line" + (
            " (`make chaos-logging` runs them)" if item.get_closest_marker("chaos") else ""
        )
        item.config.stash[left_out][f"{level_of(item.nodeid)}: {why}"] += 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    """One of several processes hands over what its levels ran on, and what it was told to leave out, as all were."""
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        interrupted.wait_for_workers(session.config)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ran_on"] = session.config.stash[ran_on]
        session.config.workeroutput["left_out"] = dict(session.config.stash[left_out])
    try:  # what an interrupted test had made is taken down in here
        return (yield)
    finally:
        interrupted.done(session.config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    config.option.loadscopereorder = False  # the order is that of the collected tests
    return Groups(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for level, parts in getattr(node, "workeroutput", {}).get("ran_on", {}).items():
        note(node.config, level, parts)
    node.config.stash[left_out].update(
        {
            why: number
            for why, number in getattr(node, "workeroutput", {}).get("left_out", {}).items()
            if not node.config.stash[left_out][why]
        }
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ran-before",
        action="append",
        default=[],
        help="a level that ran before these by itself, for the closing table",
    )
    parser.addoption(
        "--update-tables", action="store_true", help="write what the hub does into the tables of docs/login.md"
    )


@pytest.fixture(scope="session")
def describe_level(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """A function that a level calls to say what it runs on, stand-ins included, and what it measured; each part once."""

    def describe(level: str, *parts: str) -> None:
        note(request.config, level, parts)

    return describe


def note(config: pytest.Config, level: str, parts: Sequence[str]) -> None:
    told = config.stash[ran_on].setdefault(level, [])
    told += [part for part in parts if part not in told]


def level_of(node_id: str) -> str:
    """The level of a test: the folder below tests/ that it lies in."""
    parts = Path(node_id).parts
    return parts[1] if parts[0] == "tests" and len(parts) > 1 else parts[0]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    of_tests: Counter[str] = Counter()
    reasons: dict[str, set[str]] = defaultdict(set)
    for outcome in ("passed", "failed", "error", "skipped", "xfailed"):
        for report in terminalreporter.getreports(outcome):
            level = level_of(report.nodeid)
            counts[level][outcome] += 1
            if outcome == "skipped" and isinstance(report.longrepr, tuple):
                reasons[level].add(f"not run: {report.longrepr[2].removeprefix('Skipped: ')}")
            elif outcome == "xfailed":
                reasons[level].add(f"known to fail: {report.wasxfail}")
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[level_of(report.nodeid)] += report.duration  # type: ignore[assignment]
                of_tests[report.nodeid] += report.duration  # type: ignore[assignment]
    terminalreporter.section("levels")
    for level in LEVELS:
        found = counts[level]
        if not found:
            before = level in config.getoption("--ran-before")
            terminalreporter.write_line(
                f"{level:8} {'ran before, by itself: see above' if before else 'not run: not asked for'}"
            )
            continue
        numbers = ", ".join(f"{number} {outcome}" for outcome, number in found.items())
        where = "; ".join(config.stash[ran_on].get(level, ()))
        terminalreporter.write_line(
            f"{level:8} {numbers} in {seconds[level]:.0f} s" + (f", on {where}" if where else "")
        )
        for why, number in config.stash[left_out].items():
            if level == why.partition(": ")[0]:
                reasons[level].add(f"not run: {number} left out {why.partition(': ')[2]}")
        for reason in sorted(reasons[level]):
            terminalreporter.write_line(f"{'':8} {reason}")
    terminalreporter.section("what took longest")
    for line in longest(of_tests):
        terminalreporter.write_line(line)
