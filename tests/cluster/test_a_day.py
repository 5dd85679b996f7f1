"""A member's day on a real cluster: log in, start a lab, run a cell, survive the hub. In this order, with one lab."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, expect

from .person import Person, sit_down
from .release import Release

LAB = "/user/ada/"
ADA = 4000001  # her number at the GitHub stand-in


@pytest.fixture(scope="module")
def ada(browser: Browser, release: Release) -> Iterator[Person]:
    """A member who has a running lab."""
    person = sit_down(browser, release)
    person.log_in_with_github("Ada")
    person.start_lab("Small")
    yield person
    person.stop_lab()
    person.page.context.close()


@pytest.fixture(scope="module")
def kernel(ada: Person) -> str:
    """The kernel of the notebook that the first test opened."""
    (kernel,) = ada.get(f"{LAB}api/kernels").json()
    return str(kernel["id"])


def test_a_member_runs_a_cell_in_the_browser(ada: Person) -> None:
    assert ada.run_first_cell("print('six times seven is', 6 * 7)") == "six times seven is 42"


def test_the_kernels_websocket_carries_what_a_cell_prints(ada: Person, kernel: str) -> None:
    assert ada.run_in_kernel(LAB, kernel, "print(2 ** 64)") == "18446744073709551616"


def test_a_lab_runs_under_the_members_own_number_in_a_home_of_their_own(ada: Person, kernel: str) -> None:
    code = "import os; s = os.stat('.'); print(os.getcwd(), os.getuid(), os.getgid(), s.st_uid, oct(s.st_mode & 0o777))"
    assert ada.run_in_kernel(LAB, kernel, code) == f"/home/ada {ADA} {ADA} {ADA} 0o700"


def test_a_lab_knows_the_member_and_their_organizations_by_name(ada: Person, kernel: str) -> None:
    commands = "whoami; id -gn; id -Gn; git config user.name; git config user.email"
    code = f"import subprocess; print(subprocess.run({commands!r}, shell=True, capture_output=True, text=True).stdout)"
    user, group, groups, *git = ada.run_in_kernel(LAB, kernel, code).splitlines()
    assert (user, group, git) == ("ada", "ada", ["Ada Lovelace", "ada@example.org"])
    assert "lsst" in groups.split()


def test_no_database_lies_in_the_home_which_may_be_on_a_file_server(ada: Person, kernel: str) -> None:
    code = """
import pathlib
head = lambda path: path.open('rb').read(6) if path.is_file() and not path.is_symlink() else b''
print([str(path) for path in pathlib.Path.home().rglob('*') if head(path) == b'SQLite'],
      pathlib.Path('/tmp/ipython-history.sqlite').exists())
"""
    assert ada.run_in_kernel(LAB, kernel, code) == "[] True"


def test_a_lab_is_kept_to_its_home_and_has_no_rights_in_the_cluster(ada: Person, kernel: str) -> None:
    code = """
import os, pathlib
def refused(path):
    try:
        pathlib.Path(path).write_text('x')
    except OSError as error:
        return error.strerror
print(refused('/etc/x'), '|', refused('/x'), '|', os.path.exists('/var/run/secrets/kubernetes.io'))
"""
    assert ada.run_in_kernel(LAB, kernel, code) == "Read-only file system | Read-only file system | False"


def test_only_the_labs_init_container_falls_short_of_pod_security_restricted(ada: Person, release: Release) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    command = ["label", "--dry-run=server", "--overwrite", "namespace", release.name, label]
    summary, *pods = release.kubectl_warnings(*command)
    assert "violate" in summary
    assert [pod.partition(":")[0] for pod in pods] == ["jld-test-lab-ada"]


def test_a_running_lab_answers_while_the_hub_is_gone_and_the_session_stays(
    ada: Person, kernel: str, release: Release
) -> None:
    ada.run_in_kernel(LAB, kernel, "kept = 'still here'")
    answers: list[int] = []
    stop = threading.Event()

    def ask_again_and_again() -> None:
        cookie = ada_cookie
        with ada.client() as client:
            while not stop.is_set():
                answers.append(client.get(f"{LAB}api/status", headers={"Cookie": cookie}).status_code)
                time.sleep(0.2)

    ada_cookie = ada.cookie_header(f"{LAB}api/status")
    with ThreadPoolExecutor(1) as beside:
        asking = beside.submit(ask_again_and_again)
        try:
            (hub,) = release.pods("hub")
            hub.delete()
            release.kubectl("wait", "--for=delete", f"pod/{hub.name}", "--timeout=60s")
            release.kubectl("rollout", "status", f"deployment/{release.name}-hub", "--timeout=120s")
            assert ada.run_in_kernel(LAB, kernel, "print(kept)") == "still here"
        finally:
            stop.set()
        asking.result()
    assert set(answers) == {200}, answers
    deadline = time.monotonic() + 30
    while ada.get("/hub/home").status_code == 503:  # the node's network learns of the new pod a moment later
        assert time.monotonic() < deadline, "the front door does not find the new hub"
        time.sleep(0.5)
    ada.open("/hub/home")
    expect(ada.page.get_by_role("button", name="Stop My Server")).to_be_visible()


def test_an_upgrade_with_unchanged_values_restarts_nothing(ada: Person, release: Release) -> None:
    before = {pod.name: (pod.metadata["uid"], restarts(pod)) for pod in release.pods()}
    release.install()
    assert {pod.name: (pod.metadata["uid"], restarts(pod)) for pod in release.pods()} == before


def test_a_stopped_lab_leads_to_the_hub_and_its_files_are_there_at_the_next_start(
    ada: Person, kernel: str, release: Release
) -> None:
    ada.run_in_kernel(LAB, kernel, "open('kept.txt', 'w').write('for tomorrow')")
    ada.stop_lab()
    assert release.pods("lab") == []
    ada.start_lab("Tiny")
    contents = ada.get(f"{LAB}api/contents/kept.txt").json()
    assert contents["content"] == "for tomorrow"


def restarts(pod: object) -> int:
    return sum(status["restartCount"] for status in pod.obj["status"]["containerStatuses"])  # type: ignore[attr-defined]
