"""A running lab, and programs that run in it as its owner."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser

from .person import sit_down
from .release import Release

PYTHON = "/usr/bin/python3"
BLOCK = 4096


class Lab:
    """The lab pod of one person."""

    def __init__(self, release: Release, name: str, namespace: str = "") -> None:
        """`namespace` is another one than the release's."""
        self.release = release
        self.name = name
        self.namespace = namespace or release.name

    @property
    def pod(self) -> str:
        return f"{self.release.name}-lab-{self.name}"

    @property
    def uid(self) -> str:
        return self.kubectl("get", "pod", self.pod, "--output=jsonpath={.metadata.uid}")

    def kubectl(self, *words: str) -> str:
        return self.release.kubectl(f"--namespace={self.namespace}", *words)

    def python(self, program: str) -> str:
        """What a program prints that runs in the home directory."""
        return self.kubectl("exec", self.pod, "--container=notebook", "--", PYTHON, "-c", program).strip()

    def failing(self, program: str) -> str:
        """What a program says that must fail."""
        try:
            said = self.python(program)
        except AssertionError as error:
            return str(error)
        raise AssertionError(f"it did not fail: {said}")

    def digest(self, name: str) -> str:
        return self.python(f"import hashlib; print(hashlib.sha256(open({name!r}, 'rb').read()).hexdigest())")


@contextmanager
def start_lab(browser: Browser, release: Release, name: str) -> Iterator[Lab]:
    """Log in with the trial's password, start a lab, and close the browser's window at the end."""
    person = sit_down(browser, release)
    person.log_in_with_password(name, release.dummy_password)
    person.start_lab("Tiny")
    yield Lab(release, name)
    person.page.context.close()


def refused_start(browser: Browser, release: Release, name: str) -> str:
    """Ask for a lab whose home cannot be made, and return what the step says that makes it."""
    person = sit_down(browser, release)
    person.log_in_with_password(name, release.dummy_password)
    person.open("/hub/spawn")
    person.page.get_by_label("Tiny").check()
    person.page.get_by_role("button", name="Start").click()
    deadline = time.monotonic() + 60
    while True:
        try:
            said = release.kubectl("logs", Lab(release, name).pod, "--container=home")
        except AssertionError as error:  # the pod, or its first container, is not there yet
            said = str(error)
        if "refused:" in said or time.monotonic() > deadline:
            person.page.context.close()
            return said
        time.sleep(0.5)


@dataclass(frozen=True)
class Written:
    """What a writer was told is on disk."""

    name: str
    blocks: int
    longest_wait: float  # seconds

    @property
    def check(self) -> str:
        """A program that compares the file with what was acknowledged."""
        return f"""
data = open({self.name!r}, 'rb').read()
for number in range({self.blocks}):
    block = data[number * {BLOCK}:(number + 1) * {BLOCK}]
    assert block == number.to_bytes(8, 'big') * {BLOCK // 8}, f'block {{number}} is wrong'
print('every block is there')
"""


def write_steadily(lab: Lab, name: str, seconds: float, meanwhile: Callable[[], object]) -> Written:
    """Write and sync block after block; `meanwhile` happens a few seconds later."""
    program = f"""
import os, time
end, longest, number = time.monotonic() + {seconds}, 0.0, 0
with open({name!r}, 'wb', buffering=0) as file:
    while time.monotonic() < end:
        start = time.monotonic()
        file.write(number.to_bytes(8, 'big') * {BLOCK // 8})
        os.fsync(file.fileno())
        longest, number = max(longest, time.monotonic() - start), number + 1
print(number, longest)
"""
    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(lab.python, program)
        time.sleep(5)
        meanwhile()
        blocks, longest = writing.result().split()
    return Written(name, int(blocks), float(longest))
