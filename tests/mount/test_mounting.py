"""The client as mount(8) and kubelet call it, and while its server is away."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jlddev.support.process import child_of

from .server import Place

WRITER = """
import fcntl, hashlib, os, sys, time
locked = open('{folder}/locked', 'w'); fcntl.lockf(locked, fcntl.LOCK_EX); digest = hashlib.sha256(); slowest = 0
with open('{folder}/stream', 'wb', buffering=0) as file:
    print('writing', flush=True)
    for number in range(200):
        block = os.urandom(50000); digest.update(block); started = time.monotonic(); file.write(block)
        slowest = max(slowest, time.monotonic() - started); time.sleep(0.02)
same = hashlib.sha256(open('{folder}/stream', 'rb').read()).digest() == digest.digest()
print(same, slowest, flush=True); time.sleep(60)
"""
TRY = """
import fcntl
try: fcntl.lockf(open('{folder}/locked', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB); print('taken')
except BlockingIOError: print('held')
"""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


@pytest.fixture
def server_away(place: Place):  # type: ignore[no-untyped-def]
    """A function that kills the server, which comes back after the test."""
    yield place.kill_server
    if place.server is not None and place.server.poll() is not None:
        place.start_server()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("hard,colour=blue", "an incorrect mount option was specified: 'colour=blue'"),
        ("nfsvers=3", "version 3 is not spoken by this client, only 4.1 and 4.2"),
        ("port=9", "connection refused"),
    ],
)
def test_what_cannot_be_mounted_is_refused_in_a_sentence(place: Place, options: str, sentence: str) -> None:
    done = place.run("mount", "-t", "nfs", "-o", options, "127.0.0.1:/exports/home", "/mnt")
    assert done.returncode == 32
    assert done.stderr.startswith("mount.nfs: ")
    assert sentence in done.stderr


def test_a_path_that_the_server_does_not_export_is_told(place: Place) -> None:
    done = place.run("mount", "-t", "nfs", "127.0.0.1:/nothing", "/mnt")
    assert "mounting 127.0.0.1:/nothing failed, reason given by server: no such file or directory" in done.stderr


def test_options_of_a_kernels_client_are_taken_and_those_of_a_mount_hold(place: Place) -> None:
    target = place.mount("ro,nfsvers=4.1,hard,timeo=600,retrans=2,rsize=1048576,noresvport,nosuid,noatime,sec=sys")
    (line,) = [line for line in place.ok("cat", "/proc/mounts").splitlines() if f" {target} " in line]
    assert line.startswith(f"127.0.0.1:/exports/home {target} fuse.nfs ro,nosuid,noatime,")
    assert "Read-only file system" in place.run("touch", target / "file").stderr
    place.ok("umount", target)


def test_the_client_ends_when_it_is_unmounted(place: Place) -> None:
    before = place.clients()
    target = place.mount()
    (client,) = place.clients() - before
    place.ok("umount", target)
    wait_until(lambda: client not in place.clients(), "the client has ended")


def test_the_client_outlives_the_process_group_that_mounted(place: Place) -> None:
    """Kubelet mounts, and is started again while pods run."""
    script = "mkdir /mnt/outlives; mount -t nfs 127.0.0.1:/exports/home /mnt/outlives; echo mounted; exec sleep 60"
    kubelet = subprocess.Popen(
        place.enter(["setsid", "sh", "-c", script]), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert kubelet.stdout is not None
    assert kubelet.stdout.readline() == "mounted\n"
    os.killpg(child_of(kubelet.pid), 9)
    kubelet.wait(30)
    assert place.ok("stat", "--format", "%F", "/mnt/outlives/.") == "directory"
    place.ok("umount", "/mnt/outlives")


def test_a_writer_goes_on_and_keeps_its_lock_when_the_server_starts_again(
    place: Place, folder: Path, mounted: Path, elsewhere: Path, server_away: Callable[[], None]
) -> None:
    writer = place.start(WRITER.format(folder=folder))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    server_away()
    time.sleep(1)
    place.start_server()
    same, slowest = writer.stdout.readline().split()
    assert same == "True"
    assert float(slowest) > 1, "it wrote nothing while the server was away"
    there = elsewhere / folder.relative_to(mounted)
    assert place.python(TRY.format(folder=there)) == "held"
    place.kill(writer)
    assert place.python(TRY.format(folder=there)) == "taken"


def test_a_killed_process_does_not_wait_for_a_server_that_is_away(
    place: Place, folder: Path, server_away: Callable[[], None]
) -> None:
    server_away()
    waiting = place.start(f"print('asks', flush=True); open('{folder}/file', 'w')")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "asks\n"
    time.sleep(1)
    assert waiting.poll() is None
    place.kill(waiting)


def test_unmounting_works_while_the_server_is_away(place: Place, server_away: Callable[[], None]) -> None:
    before = place.clients()
    idle, used = place.mount(), place.mount()
    server_away()
    waiting = place.start(f"print('asks', flush=True); open('{used}/file', 'w')")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "asks\n"
    time.sleep(1)
    assert place.ok("stat", "--format", "%F", idle, seconds=20) == "directory"
    place.ok("umount", idle, seconds=20)
    # As kubelet does it: the first may say that the mount is busy, and ends who waits.
    place.run("umount", "--force", used, seconds=20)
    assert "Error" in waiting.communicate(timeout=20)[0]
    if place.run("mountpoint", "--quiet", used, seconds=20).returncode == 0:
        place.ok("umount", "--force", used, seconds=20)
    wait_until(lambda: place.clients() <= before, "the clients have ended")
