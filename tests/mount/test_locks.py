"""Many processes, in one pod and in two, on the same files."""

import time
from pathlib import Path

from .server import GRACE_SECONDS, Place

PROCESSES = 20
TRY = """
import fcntl
file = open({path!r}, 'r+')
try: {call}; print('taken')
except BlockingIOError: print('held')
"""
POSIX = "fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, {length}, {start})"
FLOCK = "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)"


def in_the_other(path: Path, mounted: Path, elsewhere: Path) -> Path:
    return elsewhere / path.relative_to(mounted)


def test_of_many_processes_that_make_a_file_exclusively_one_does(place: Place, folder: Path) -> None:
    code = f"""
import os
try: os.open('{folder}/only', os.O_CREAT | os.O_EXCL | os.O_WRONLY); print('made')
except FileExistsError: print('there')
"""
    processes = [place.start(code) for _ in range(PROCESSES)]
    assert sorted(process.communicate(timeout=60)[0] for process in processes) == [
        "made\n",
        *["there\n"] * (PROCESSES - 1),
    ]


def test_a_lock_makes_many_processes_of_two_pods_count_right(
    place: Place, folder: Path, mounted: Path, elsewhere: Path
) -> None:
    place.ok("sh", "-c", f"printf 0 >{folder}/counter")
    there = in_the_other(folder, mounted, elsewhere)
    code = """
import fcntl, os
for _ in range(10):
    file = os.open('{}/counter', os.O_RDWR)
    fcntl.lockf(file, fcntl.LOCK_EX)
    number = int(os.pread(file, 20, 0)) + 1
    os.pwrite(file, str(number).encode(), 0); os.fsync(file); os.close(file)
""".format
    processes = [place.start(code([folder, there][number % 2])) for number in range(PROCESSES)]
    assert [process.communicate(timeout=120)[0] for process in processes] == [""] * PROCESSES
    assert place.ok("cat", folder / "counter") == str(10 * PROCESSES)


def test_writers_at_places_of_their_own_do_not_disturb_each_other(place: Place, folder: Path) -> None:
    place.ok("touch", folder / "shared")
    code = """
import os
file = os.open('{folder}/shared', os.O_WRONLY)
for round in range(50): os.pwrite(file, bytes([{number}]) * 4000, (round * {processes} + {number}) * 4000)
""".format
    processes = [place.start(code(folder=folder, number=number, processes=PROCESSES)) for number in range(PROCESSES)]
    assert [process.communicate(timeout=120)[0] for process in processes] == [""] * PROCESSES
    stored = (place.exported / folder.name / "shared").read_bytes()
    assert stored == b"".join(bytes([number]) * 4000 for number in range(PROCESSES)) * 50


def test_a_lock_of_some_bytes_is_held_against_the_other_pod_until_its_file_is_closed(
    place: Place, folder: Path, mounted: Path, elsewhere: Path
) -> None:
    place.ok("touch", folder / "locked")
    holder = place.start(f"""
import fcntl, time
file = open('{folder}/locked', 'r+'); fcntl.lockf(file, fcntl.LOCK_EX, 10, 5)
fcntl.lockf(file, fcntl.LOCK_UN, 2, 8); print('locked', flush=True); time.sleep(60)
""")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    for pod in (folder, in_the_other(folder, mounted, elsewhere)):
        seen = [
            place.python(TRY.format(path=str(pod / "locked"), call=POSIX.format(start=start, length=length)))
            for start, length in ((0, 5), (5, 1), (8, 2), (14, 1), (15, 0))
        ]
        assert seen == ["taken", "held", "taken", "held", "taken"]
    place.kill(holder)
    assert place.python(TRY.format(path=str(folder / "locked"), call=POSIX.format(start=0, length=0))) == "taken"


def test_a_lock_of_a_pod_that_does_nothing_outlives_the_lease(
    place: Place, folder: Path, mounted: Path, elsewhere: Path
) -> None:
    """The client has to renew it in time: a server gives the locks of a silent one to who asks."""
    there = in_the_other(folder / "locked", mounted, elsewhere)
    holder = place.start(f"""
import fcntl, time
file = open('{folder}/locked', 'w'); fcntl.lockf(file, fcntl.LOCK_EX); print('locked', flush=True); time.sleep(100)
""")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    # The server looks for silent clients twice in a lease.
    ends = time.monotonic() + 3 * GRACE_SECONDS
    while time.monotonic() < ends:
        assert place.python(TRY.format(path=str(there), call=POSIX.format(start=0, length=0))) == "held"
        time.sleep(1)
    place.kill(holder)


def test_a_lock_of_the_whole_file_is_held_against_the_other_pod(
    place: Place, folder: Path, mounted: Path, elsewhere: Path
) -> None:
    path = folder / "locked"
    place.ok("touch", path)
    there = in_the_other(path, mounted, elsewhere)
    seen = place.python(f"""
import fcntl, os, subprocess, sys
file = open({str(path)!r}, 'r+'); fcntl.flock(file, fcntl.LOCK_EX)
for path in ({str(path)!r}, {str(there)!r}):
    code = {TRY.format(path="PATH", call=FLOCK)!r}.replace('PATH', path)
    print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip())
file.close(); code = {TRY.format(path=str(there), call=FLOCK)!r}
print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip())
""")
    assert seen.split() == ["held", "held", "taken"]


def test_a_database_takes_rows_of_many_processes_of_two_pods(
    place: Place, folder: Path, mounted: Path, elsewhere: Path
) -> None:
    code = """
import sqlite3
base = sqlite3.connect('{}/base.sqlite', timeout=90); {}
"""
    rows = "[base.execute('insert into t values (1)') and base.commit() for _ in range(5)]"
    assert place.python(code.format(folder, "base.execute('create table t (x)'); base.commit()")) == ""
    pods = [folder, in_the_other(folder, mounted, elsewhere)]
    processes = [place.start(code.format(pods[number % 2], rows)) for number in range(PROCESSES)]
    assert [process.communicate(timeout=200)[0] for process in processes] == [""] * PROCESSES
    check = (
        "print(*base.execute('select count(*) from t').fetchone(), *base.execute('pragma integrity_check').fetchone())"
    )
    assert place.python(code.format(folder, check)) == f"{5 * PROCESSES} ok"
