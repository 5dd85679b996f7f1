"""The closing table: what ran, on what, and what did not run and why."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

LEVELS = ("unit", "render", "hub", "nfs", "mount", "cluster")
TESTS = Path(__file__).parent
ran_on = pytest.StashKey[dict[str, str]]()
left_out = pytest.StashKey[Counter[str]]()  # by level


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ran_on], config.stash[left_out] = {}, Counter()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        item.config.stash[left_out][level_of(item.nodeid)] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes hands over what its levels ran on, and what it was told to leave out, as all were."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ran_on"] = session.config.stash[ran_on]
        session.config.workeroutput["left_out"] = dict(session.config.stash[left_out])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[ran_on].update(node.workeroutput.get("ran_on", {}))
    node.config.stash[left_out].update(
        {
            level: number
            for level, number in node.workeroutput.get("left_out", {}).items()
            if not node.config.stash[left_out][level]
        }
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-tables", action="store_true", help="write what the hub does into the tables of docs/login.md"
    )


@pytest.fixture(scope="session")
def describe_level(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """A function that a level calls to say what it runs on, stand-ins included."""

    def describe(level: str, text: str) -> None:
        request.config.stash[ran_on][level] = text

    return describe


def level_of(node_id: str) -> str:
    """The level of a test: the folder below tests/ that it lies in."""
    parts = Path(node_id).parts
    return parts[1] if parts[0] == "tests" and len(parts) > 1 else parts[0]


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
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
    terminalreporter.section("levels")
    for level in LEVELS:
        found = counts[level]
        if not found:
            terminalreporter.write_line(f"{level:8} not run: not asked for")
            continue
        numbers = ", ".join(f"{number} {outcome}" for outcome, number in found.items())
        where = config.stash[ran_on].get(level, "")
        terminalreporter.write_line(
            f"{level:8} {numbers} in {seconds[level]:.0f} s" + (f", on {where}" if where else "")
        )
        if number := config.stash[left_out][level]:
            reasons[level].add(f"not run: {number} left out by -m or -k on the command line")
        for reason in sorted(reasons[level]):
            terminalreporter.write_line(f"{'':8} {reason}")
