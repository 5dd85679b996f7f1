"""How the tests are shared out among processes, and what the closing table tells of all of them."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import pytest
from jlddev.support.paths import CHECKOUT

from tests.groups import CLUSTER, FIRST, SPREAD, group_of, place_of
from tests.longest import longest

pytestmark = pytest.mark.slow

TEST = """
import os, pathlib
import pytest

@pytest.mark.parametrize("number", range(3))
def test_it(number, describe_level, request):
    describe_level(pathlib.Path(__file__).parent.name, "a machine", os.environ["PYTEST_XDIST_WORKER"])
    with open(os.environ["RAN"], "a") as file:
        file.write(f"{os.environ['PYTEST_XDIST_WORKER']} {request.node.nodeid}\\n")
    if number == 2 and "test_doctor" in request.node.nodeid:
        pytest.skip("there is no doctor")
"""
SLOW = """
import os, pathlib, time
import pytest

@pytest.fixture(scope="session")
def thing():
    place = pathlib.Path(os.environ["RAN"]).with_name(os.environ["PYTEST_XDIST_WORKER"])
    place.with_suffix(".made").touch()
    yield
    time.sleep(8)  # longer than pytest-xdist would wait
    place.with_suffix(".gone").touch()

@pytest.mark.parametrize("number", range(3))
def test_it(thing, number):
    time.sleep(120)
"""
FILES = (
    *("unit/test_a.py", "unit/test_b.py", "hub/test_hub.py", "nfs/test_files.py", "nfs/test_restart.py"),
    *("cluster/test_doctor.py", "cluster/test_lab_pod.py", "cluster/test_session.py", "cluster/test_firefly.py"),
)


def test_every_module_of_the_cluster_level_has_a_place() -> None:
    found = sorted(path.stem for path in (CHECKOUT / "tests" / "cluster").glob("test_*.py"))
    assert sorted(module for modules in CLUSTER.values() for module in modules) == found


def test_no_two_modules_of_the_cluster_level_want_the_same_node_port() -> None:
    """They run beside each other, and Kubernetes gives a port once."""
    modules = (CHECKOUT / "tests" / "cluster").glob("*.py")
    wanted = {module.name: set(re.findall(r"\b3[0-2][0-9]{3}\b", module.read_text())) for module in modules}
    twice = [
        port for port, number in Counter(port for ports in wanted.values() for port in ports).items() if number > 1
    ]
    assert sum(map(len, wanted.values())) > 30
    assert {port: [name for name, ports in wanted.items() if port in ports] for port in twice} == {}


def test_every_group_that_begins_first_has_tests() -> None:
    found = {group_of(str(path.relative_to(CHECKOUT))) for path in (CHECKOUT / "tests").glob("*/test_*.py")}
    assert set(FIRST) <= found | {group_of(f"{SPREAD}::test_x[part{number}-]") for number in (0, 1)}


@pytest.mark.parametrize(
    ("node_id", "group"),
    [
        ("tests/unit/jldhub/test_line.py::test_x[a::b/c]", "tests/unit/jldhub/test_line.py"),
        ("tests/hub/test_culling.py::test_x", "tests/hub/test_culling.py"),
        ("tests/nfs/test_files.py::test_x", "nfs"),
        ("tests/mount/test_locks.py::test_x", "mount"),
        ("tests/render/test_generated_sites.py::test_x[part13-]", "tests/render/test_generated_sites.py 1"),
        ("tests/cluster/test_doctor.py::test_x", "cluster: the shared release"),
        ("tests/cluster/test_something_new.py::test_x", "cluster: images on the node, smaller releases and logs"),
    ],
)
def test_a_group_is_a_file_or_what_shares_a_machine(node_id: str, group: str) -> None:
    assert group_of(node_id) == group


def test_what_takes_longest_begins_first() -> None:
    files = ["tests/unit/test_docs.py", "tests/mount/test_locks.py", "tests/cluster/test_quota.py"]
    files += ["tests/cluster/test_doctor.py", "tests/cluster/test_session.py"]
    assert [Path(file).stem for file in sorted(files, key=place_of)] == [
        *("test_session", "test_doctor", "test_quota", "test_locks", "test_docs"),
    ]


def project(folder: Path, files: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """A folder of small tests with our hooks; the command that runs them in three processes, and its environment."""
    for name, text in files.items():
        file = folder / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment |= {"PYTHONPATH": str(CHECKOUT), "RAN": str(folder / "ran")}
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--numprocesses=3", "tests"], environment


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[str, str]], str]:
    """Which process ran which test, in order, and what pytest said."""
    folder = tmp_path_factory.mktemp("run")
    command, environment = project(folder, dict.fromkeys(FILES, TEST))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    ran = [line.split(" ", 1) for line in (folder / "ran").read_text().splitlines()]
    return [(worker, node_id) for worker, node_id in ran], done.stdout


def test_a_group_runs_in_one_process_and_in_order(run: tuple[list[tuple[str, str]], str]) -> None:
    by_group: dict[str, list[tuple[str, str]]] = {}
    for worker, node_id in run[0]:
        by_group.setdefault(group_of(node_id), []).append((worker, node_id))
    assert len(run[0]) == 3 * len(FILES)
    assert {name: len({worker for worker, _ in tests}) for name, tests in by_group.items()} == dict.fromkeys(
        by_group, 1
    )
    modules = [Path(node_id.partition("::")[0]).stem for _, node_id in by_group["cluster: the shared release"]]
    assert [name for name, _ in groupby(modules)] == ["test_session", "test_lab_pod", "test_doctor"]


def test_the_closing_table_is_that_of_all_processes(run: tuple[list[tuple[str, str]], str]) -> None:
    said = run[1]
    table = said[said.index(" levels ") :]
    line = next(each for each in table.splitlines() if each.startswith("cluster"))
    assert line.startswith("cluster  11 passed, 1 skipped in ")
    # Two processes had a part of this level: each part is told once.
    assert line.count("a machine") == 1
    workers = {worker for worker, node_id in run[0] if "/cluster/" in node_id}
    assert all(worker in line for worker in workers)
    assert "not run: there is no doctor" in table
    assert "render   not run: not asked for" in table
    assert f"{3 * len(FILES) - 1} passed, 1 skipped in " in said.splitlines()[-1]


def test_what_took_longest_is_told_with_its_parts(run: tuple[list[tuple[str, str]], str]) -> None:
    seconds = {
        "tests/hub/test_a.py::test_1": 2.0,
        "tests/hub/test_a.py::test_2": 5.0,
        "tests/nfs/test_b.py::test_1": 1.0,
        "tests/nfs/test_c.py::test_1[x::y]": 9.0,
    }
    assert longest(seconds) == ["   10 s  nfs: test_c 9 s, test_b 1 s", "    7 s  tests/hub/test_a.py"]
    assert len(longest({f"tests/unit/test_{number}.py::test_x": number for number in range(99)})) == 12
    assert "cluster: the shared release: test_" in run[1][run[1].index(" what took longest ") :]


@pytest.mark.parametrize("end", ["", "    raise ValueError('a release of which the uninstall was interrupted')\n"])
@pytest.mark.parametrize("everybody", [True, False], ids=["as a terminal does", "as kill does"])
def test_an_interrupted_run_takes_down_what_it_made(tmp_path: Path, everybody: bool, end: str) -> None:
    command, environment = project(
        tmp_path, {f"unit/test_{name}.py": SLOW.replace("\n@pytest.mark", f"{end}\n@pytest.mark") for name in "ab"}
    )
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True) as running:
        while len(list(tmp_path.glob("*.made"))) < 2:
            assert running.poll() is None
            time.sleep(0.1)
        (os.killpg if everybody else os.kill)(running.pid, signal.SIGINT)
        try:
            running.wait(120)
        finally:
            running.kill()
    assert running.returncode == pytest.ExitCode.INTERRUPTED
    assert sorted(path.stem for path in tmp_path.glob("*.gone")) == sorted(
        path.stem for path in tmp_path.glob("*.made")
    )
