"""What programs do with files, through the node's NFS client."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from .server import Place

ALICE, BOB, STAFF = 5001, 5002, 6000
GIT_SETTINGS = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "safe.directory=*")


def test_owners_modes_and_times_are_kept_by_the_server(place: Place, folder: Path) -> None:
    seen = place.python(f"""
import os; os.chdir({str(folder)!r}); os.umask(0)
os.mkdir('directory', 0o2770); os.chown('directory', {ALICE}, {STAFF}); os.chmod('directory', 0o2750)
os.close(os.open('file', os.O_CREAT | os.O_WRONLY, 0o4711)); os.utime('file', ns=(1_500_000_000, 981_173_045_600_000_000))
for name in ('directory', 'file'):
    found = os.stat(name); print(found.st_uid, found.st_gid, oct(found.st_mode))
print(found.st_atime_ns, found.st_mtime_ns)
""")
    assert seen.splitlines() == [
        f"{ALICE} {STAFF} 0o42750",
        "0 0 0o104711",
        "1500000000 981173045600000000",
    ]
    stored = (place.exported / folder.name / "directory").stat()
    assert (stored.st_uid, stored.st_gid, stored.st_mode & 0o7777) == (ALICE, STAFF, 0o2750)


def test_names_are_linked_renamed_and_removed(place: Place, folder: Path) -> None:
    seen = place.python(f"""
import os; os.chdir({str(folder)!r})
open('a', 'w').write('text'); os.symlink('a', 'link'); os.link('a', 'b'); os.mkdir('d'); os.rename('b', 'd/c')
print(os.readlink('link'), open('link').read(), os.stat('a').st_nlink, os.path.samefile('a', 'd/c'))
open('e', 'w').write('other'); os.replace('e', 'a'); print(open('a').read(), os.stat('d/c').st_nlink)
os.mkfifo('pipe'); print(sorted(os.listdir('.')), os.path.isfile('pipe'))
for change in (lambda: os.rmdir('d'), lambda: os.mkdir('d'), lambda: os.unlink('none'), lambda: os.rename('a', 'd')):
    try: change()
    except OSError as error: print(error.strerror)
os.truncate('a', 2); print(os.stat('a').st_size, os.statvfs('.').f_blocks > 0)
""")
    assert seen.splitlines() == [
        "a text 2 True",
        "other 1",
        "['a', 'd', 'link', 'pipe'] False",
        "Directory not empty",
        "File exists",
        "No such file or directory",
        "Is a directory",
        "2 True",
    ]


def test_a_removed_or_replaced_file_lives_until_its_last_close(place: Place, folder: Path) -> None:
    seen = place.python(f"""
import os; os.chdir({str(folder)!r})
open('replaced', 'w').write('first'); reader = open('replaced'); open('new', 'w').write('second')
os.rename('new', 'replaced'); print(open('replaced').read(), reader.read()); reader.close()
file = open('removed', 'w+'); os.unlink('removed'); file.write('still here'); file.flush(); file.seek(0)
print(file.read()); file.close()
""")
    assert seen.splitlines() == ["second first", "still here"]
    deadline = time.monotonic() + 10  # a close is answered before the server has removed the file
    while [path.name for path in (place.exported / folder.name).iterdir()] != ["replaced"]:
        assert time.monotonic() < deadline, "a removed file is left over"
        time.sleep(0.1)


def test_a_directory_of_many_entries_is_read_whole(place: Place, folder: Path) -> None:
    for number in range(3000):
        (place.exported / folder.name / f"an-entry-with-a-rather-long-name-{number}").touch()
    seen = place.python(f"import os; print(len(set(os.listdir({str(folder)!r}))))")
    assert seen == "3000"


def test_memory_mapped_writes_arrive(place: Place, folder: Path) -> None:
    place.ok("truncate", "--size", "100000", folder / "mapped")
    seen = place.python(f"""
import mmap
with open({str(folder / "mapped")!r}, 'r+b') as file, mmap.mmap(file.fileno(), 0) as memory:
    memory[70000:70005] = b'bytes'; memory.flush()
""")
    assert seen == ""
    assert (place.exported / folder.name / "mapped").read_bytes()[69999:70006] == b"\0bytes\0"


def test_a_directory_is_mounted_alone_as_a_subpath_is(place: Place, folder: Path) -> None:
    target = Path("/mnt/subpath")
    place.ok("mkdir", target)
    place.ok("mount", "--bind", folder, target)
    place.ok("sh", "-c", f"echo text >{target}/file; mv {folder}/file {folder}/other")
    assert place.ok("cat", target / "other") == "text"
    place.ok("umount", target)


def test_the_server_decides_who_reads(place: Place, folder: Path) -> None:
    private, shared, closed = folder / "private", folder / "shared", folder / "closed"
    made = f"""
import os; os.umask(0)
for name, mode in (({str(private)!r}, 0o600), ({str(shared)!r}, 0o640)):
    with os.fdopen(os.open(name, os.O_CREAT | os.O_WRONLY, mode), 'w') as file: file.write('text')
os.mkdir({str(closed)!r}, 0o700); open({str(closed / "open")!r}, 'w').write('text')
"""
    assert place.python(made, uid=ALICE) == ""
    place.ok("chgrp", str(STAFF), shared)
    read = "print(open({!r}).read())".format
    assert place.python(read(str(private)), uid=ALICE) == "text"
    assert "Permission denied" in place.python(read(str(private)), uid=BOB)
    assert "Permission denied" in place.python(read(str(shared)), uid=BOB)
    assert place.python(read(str(shared)), uid=BOB, groups=[STAFF]) == "text"
    assert "Permission denied" in place.python(f"open({str(shared)!r}, 'w')", uid=BOB, groups=[STAFF])
    # Bob comes right after Alice, when this machine has just learned the way.
    assert place.python(read(str(closed / "open")), uid=ALICE) == "text"
    assert "Permission denied" in place.python(read(str(closed / "open")), uid=BOB)
    assert "Operation not permitted" in place.python(f"import os; os.chmod({str(private)!r}, 0o666)", uid=BOB)


def test_a_file_without_write_permission_is_written_by_the_process_that_made_it(place: Place, folder: Path) -> None:
    code = f"import os; file = os.open({str(folder / 'object')!r}, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o444); "
    assert place.python(code + "print(os.write(file, b'text'), os.pread(file, 9, 0))", uid=ALICE) == "4 b'text'"


def test_what_one_pod_closed_another_that_opens_it_reads(
    place: Place, folder: Path, mounted: Path, elsewhere: Path
) -> None:
    there = elsewhere / folder.relative_to(mounted)
    for text in ("one", "two", "six"):  # of one size, so that only the server's change counter tells them apart
        place.ok("sh", "-c", f"printf {text} >{folder}/file")
        assert place.ok("cat", there / "file") == text


def test_git_and_pip_work_in_a_home_directory(place: Place, folder: Path, figure: Callable[[str], None]) -> None:
    git = ["git", "-C", str(folder), *GIT_SETTINGS]
    place.ok("sh", "-c", f"seq 1 100000 >{folder}/numbers")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "text"], ["gc", "--quiet"]):
        place.ok(*git, *command)
    assert place.ok(*git, "status", "--porcelain") == ""
    assert "dangling" not in place.ok(*git, "fsck", "--strict")
    started = time.monotonic()
    made = place.python(f"""
import os
for number in range(1000):
    os.makedirs(f'{folder}/package/{{number % 20}}', exist_ok=True)
    with open(f'{folder}/package/{{number % 20}}/{{number}}.py', 'w') as file: file.write('x = 1\\n' * 500)
print(sum(len(files) for _, _, files in os.walk('{folder}/package')))
""")
    assert made == "1000"
    figure(f"1000 files of 3 kB written in {time.monotonic() - started:.1f} s")


def test_a_large_file_is_what_was_written(place: Place, folder: Path, figure: Callable[[str], None]) -> None:
    megabytes = 512
    block, digest = os.urandom(2**20), hashlib.sha256()
    for number in range(megabytes):
        digest.update(number.to_bytes(4, "big") + block[4:])
    (place.work / "block").write_bytes(block)
    written = place.python(f"""
import os, time
block = open({str(place.work / "block")!r}, 'rb').read(); started = time.monotonic()
with open('{folder}/large', 'wb', buffering=0) as file:
    for number in range({megabytes}): file.write(number.to_bytes(4, 'big') + block[4:])
print(time.monotonic() - started)
""")
    started = time.monotonic()
    assert place.ok("sha256sum", folder / "large", seconds=300).split()[0] == digest.hexdigest()
    read = time.monotonic() - started
    figure(
        f"{megabytes} MB written at {megabytes / float(written):.0f} MB/s, "
        f"read and hashed at {megabytes / read:.0f} MB/s"
    )
