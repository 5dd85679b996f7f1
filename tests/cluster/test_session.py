"""What a working day sends through the front door: the events of a start, a terminal, and a large file up and down again."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pykube
import pytest
from jlddev.clusters import providers
from playwright.sync_api import Browser, Page, WebSocket, expect
from playwright.sync_api import TimeoutError as NotThere

from .lab import Lab
from .person import Person, sit_down
from .release import Release

NAME = "grace"
LAB = f"/user/{NAME}/"
FILE = "night.bin"
SIZE = 10**9  # no multiple of the pieces in which JupyterLab sends it
MEBIBYTE = 2**20

# The waiting page's own stream of events, heard as well by the test.
LISTEN = """
window.EventSource = class extends window.EventSource {
  constructor(...words) {
    super(...words);
    this.addEventListener("message", (message) => window.heard(message.data));
  }
};
"""
# What the front door's processes hold in files that may be without a name already.
HELD = """
readlink /proc/1/fd/2 >&2 || exit  # where nothing may be looked at, nothing would be found
total=0
for file in /proc/[0-9]*/fd/*; do
  case $(readlink $file) in /tmp/*) total=$((total + $(stat -Lc %s $file)));; esac
done
echo $total
"""


@dataclass
class Heard:
    """The events of a start, as they came."""

    times: list[float] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    before_there_was_a_node: int = 0

    def __call__(self, text: str) -> None:
        self.times.append(time.monotonic())
        self.events.append(json.loads(text))


@dataclass(frozen=True)
class Night:
    """A large file on the person's own machine."""

    path: Path
    digest: str


@pytest.fixture(scope="module")
def front_door_before(release: Release) -> dict[str, int]:
    """The copies of the front door, before anything large went through it."""
    return restarts(release)


@pytest.fixture(scope="module")
def started(browser: Browser, release: Release, provider: providers.Provider) -> Iterator[tuple[Person, Heard]]:
    """A member with a lab, and what the page said while it started: at first there is no node for it."""
    person, heard = sit_down(browser, release), Heard()
    person.log_in_with_github("grace")
    person.page.expose_function("heard", heard)
    person.page.add_init_script(LISTEN)
    found = pykube.Node.objects(release.client) if provider.name != "given" else []
    nodes = [node.name for node in found if "jld-test" not in node.labels]  # without the stand-ins of another test
    try:
        for node in nodes:
            release.kubectl("cordon", node)
        person.ask_for_lab("Small")
        wait_until(person.page, lambda: bool(heard.events), "no event of the start comes")
        heard.before_there_was_a_node = len(heard.events)
    finally:
        for node in nodes:
            release.kubectl("uncordon", node)
    person.wait_for_lab()
    yield person, heard
    Lab(release, NAME).python(f"import pathlib; pathlib.Path({FILE!r}).unlink(missing_ok=True)")
    person.stop_lab()
    person.page.context.close()


@pytest.fixture(scope="module")
def grace(started: tuple[Person, Heard]) -> Person:
    return started[0]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    path, digest, left = tmp_path_factory.mktemp("night") / FILE, hashlib.sha256(), SIZE
    with path.open("wb") as file:
        while left:
            piece = os.urandom(min(MEBIBYTE, left))
            file.write(piece)
            digest.update(piece)
            left -= len(piece)
    yield Night(path, digest.hexdigest())
    path.unlink()


def held_by_the_front_door(release: Release) -> int:
    """Bytes in temporary files of all copies of nginx."""
    pods = [pod.name for pod in release.pods("nginx")]
    return sum(int(release.kubectl("exec", pod, "--", "sh", "-c", HELD)) for pod in pods)


def test_the_events_of_a_start_come_one_by_one(
    started: tuple[Person, Heard], describe_figure: Callable[[str], None]
) -> None:
    _, heard = started
    assert len(heard.events) > 2
    assert heard.events[-1].get("ready") is True
    assert not any(event.get("ready") for event in heard.events[:-1])
    # What is held back on the way comes when all is over, and without a node nothing was over.
    assert 0 < heard.before_there_was_a_node < len(heard.events)
    describe_figure(f"{len(heard.events)} events of a start within {heard.times[-1] - heard.times[0]:.1f} s")


def test_a_terminal_in_the_page_answers_what_is_typed(grace: Person) -> None:
    printed: list[str] = []

    def listen(socket: WebSocket) -> None:
        if "/terminals/websocket/" in socket.url:
            socket.on("framereceived", lambda frame: printed.append(str(frame)))

    grace.page.on("websocket", listen)
    grace.page.locator(".jp-LauncherCard", has_text="Terminal").click()
    terminal = grace.page.locator(".jp-Terminal")
    expect(terminal).to_be_visible(timeout=60_000)
    wait_until(grace.page, lambda: "stdout" in "".join(printed), "the terminal says nothing")
    terminal.click()
    grace.page.keyboard.type("echo $((6 * 7)) from $(whoami) in $PWD\n")
    answer = f"42 from {NAME} in /home/{NAME}"
    wait_until(grace.page, lambda: answer in "".join(printed), "the terminal does not answer")
    grace.screenshot("terminal")


def test_a_gigabyte_goes_up_through_the_page_and_arrives_as_it_was(
    grace: Person,
    release: Release,
    night: Night,
    front_door_before: dict[str, int],
    describe_figure: Callable[[str], None],
) -> None:
    lab, began, most = Lab(release, NAME), time.monotonic(), 0
    with grace.page.expect_file_chooser() as chooser:
        grace.page.locator("[data-command='filebrowser:upload'], [title^='Upload Files']").first.click()
    chooser.value.set_files(night.path)
    try:  # JupyterLab asks whether so large a file is meant
        grace.page.locator(".jp-Dialog").get_by_role("button", name="Upload").click(timeout=10_000)
    except NotThere:
        grace.screenshot("upload")
    arrived = f"import os; print(os.path.exists({FILE!r}) and os.path.getsize({FILE!r}))"
    deadline = time.monotonic() + 900
    while lab.python(arrived) != str(SIZE):
        assert time.monotonic() < deadline, f"{lab.python(arrived)} bytes arrived"
        most = max(most, held_by_the_front_door(release))
        grace.page.wait_for_timeout(10_000)  # asking costs the lab a process, and the page its processor
    seconds = time.monotonic() - began
    digest = f"import hashlib; print(hashlib.file_digest(open({FILE!r}, 'rb'), 'sha256').hexdigest())"
    assert lab.python(digest) == night.digest
    assert most < 16 * MEBIBYTE
    assert restarts(release) == front_door_before
    describe_figure(f"1 GB up through JupyterLab in {seconds:.0f} s")


def test_the_file_comes_down_again_as_it_was(
    grace: Person, night: Night, tmp_path: Path, describe_figure: Callable[[str], None]
) -> None:
    item = grace.page.locator(".jp-DirListing-item", has_text=FILE)
    expect(item).to_be_visible(timeout=60_000)
    item.click(button="right")
    began = time.monotonic()
    with grace.page.expect_download(timeout=60_000) as download:
        grace.page.get_by_role("menuitem", name="Download").first.click()
    saved = tmp_path / FILE
    download.value.save_as(saved)
    seconds = time.monotonic() - began
    with saved.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == night.digest
    saved.unlink()
    download.value.delete()
    describe_figure(f"and down in {seconds:.0f} s")


def test_a_slow_reader_does_not_fill_the_front_doors_disk(
    grace: Person, release: Release, night: Night, front_door_before: dict[str, int]
) -> None:
    path = f"{LAB}files/{FILE}"
    headers = {"Cookie": grace.cookie_header(path), "Referer": f"{release.url}{LAB}lab"}
    with grace.client() as client, client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert int(answer.headers["Content-Length"]) == SIZE
        pieces = answer.iter_raw(MEBIBYTE)
        next(pieces)
        time.sleep(3)  # in which the lab could send much more than is read
        assert held_by_the_front_door(release) < 16 * MEBIBYTE
    assert restarts(release) == front_door_before


def restarts(release: Release) -> dict[str, int]:
    """How often each copy of the front door has been started again: a full disk or memory would have it put away."""
    return {
        pod.name: sum(status["restartCount"] for status in pod.obj["status"]["containerStatuses"])
        for pod in release.pods("nginx")
    }


def wait_until(page: Page, holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, otherwise
        page.wait_for_timeout(200)
