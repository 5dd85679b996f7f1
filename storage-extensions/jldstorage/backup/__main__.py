"""The command line: `python -m jldstorage.backup run`, `restore` and `restore-database`."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jldstorage.backup import archive, database
from jldstorage.backup.acting import acting_as
from jldstorage.backup.folder import ArchiveFolder, BackupFailed
from jldstorage.backup.restore import restore_homes


def run(folder: ArchiveFolder, volumes: Path, names: Sequence[str], hub: Path | None, keep: int) -> None:
    """Archive each volume, and the hub's database where `hub` names it. Raises BackupFailed after all have been tried."""
    steps = [partial(_run_database, folder, hub, keep)] if hub else []
    steps += [partial(_run_volume, folder, volumes / name, keep) for name in names]
    failed = []
    with folder.locked():
        for step in steps:
            try:
                step()
            except BackupFailed as failure:
                failed.append(str(failure))
    if failed:
        raise BackupFailed("; ".join(failed))


def _run_database(folder: ArchiveFolder, hub: Path, keep: int) -> None:
    with folder.writing(database.NAME, database.SUFFIX) as part:
        database.copy_database(hub, part)
    folder.drop_old(database.NAME, database.SUFFIX, keep)
    _say(f"{database.NAME}: copied; {_listed(folder, database.NAME, database.SUFFIX)}")


def _run_volume(folder: ArchiveFolder, volume: Path, keep: int) -> None:
    name = volume.name
    with folder.writing(name, archive.SUFFIX) as part:
        report = archive.write_archive(volume, part)
        size = part.stat().st_size
    folder.drop_old(name, archive.SUFFIX, keep)
    noted = report.notes.sentence()
    _say(f"{name}: {report.files} files of {report.size} bytes in an archive of {size} bytes")
    _say(f"{name}: {noted}" if noted else f"{name}: nothing changed while it was read")
    _say(f"{name}: {_listed(folder, name, archive.SUFFIX)}")


def restore(folder: ArchiveFolder, volume: str, wanted: str, homes: Path, names: Sequence[str]) -> None:
    """Put homes back. Raises BackupFailed, also when everything is back but something."""
    chosen = folder.find(wanted, volume, archive.SUFFIX)
    done = restore_homes(chosen, homes, names)
    _say(f"{chosen.name}: {done.files} files are back in {len(done.homes)} homes")
    left = [*done.refused, *([done.notes.sentence()] if done.notes.counts else [])]
    if left:
        raise BackupFailed(f"not put back: {'; '.join(left)}")


def restore_database(folder: ArchiveFolder, wanted: str, hub: Path, owner: int) -> None:
    """Put the hub's database back, which no hub may have open. Raises BackupFailed."""
    chosen = folder.find(wanted, database.NAME, database.SUFFIX)
    part = hub.with_name(f"{hub.name}.part")
    try:
        with chosen.open("rb") as source, acting_as(owner, owner):
            part.unlink(missing_ok=True)
            with part.open("xb") as copy:
                shutil.copyfileobj(source, copy)
                copy.flush()
                os.fsync(copy.fileno())
            for rest in ("-journal", "-wal", "-shm"):  # of the database that is there, and not of this one
                hub.with_name(hub.name + rest).unlink(missing_ok=True)
            part.rename(hub)
    except OSError as error:
        raise BackupFailed(f"{hub} could not be put back: {error.strerror}; the hub must be stopped") from error
    _say(f"{chosen.name}: the hub's database is back")


def _listed(folder: ArchiveFolder, name: str, suffix: str) -> str:
    return f"there are now {', '.join(path.name for path in folder.generations(name, suffix))}"


def _say(sentence: str) -> None:
    print(f"jld: {sentence}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jldstorage.backup", allow_abbrev=False)
    parser.add_argument("--archives", type=Path, default=Path("/archives"))
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--keep", type=int, required=True)
    running.add_argument("--volumes", type=Path, default=Path("/volumes"), help="the folder with a mount for each name")
    running.add_argument("--database", type=Path)
    running.add_argument("names", nargs="*")
    homes = commands.add_parser("restore")
    homes.add_argument("--volume", default="home")
    homes.add_argument("--homes", type=Path, default=Path("/homes"))
    homes.add_argument("archive", help="its name, or latest")
    homes.add_argument("names", nargs="*", help="whose homes; all without a name")
    hub = commands.add_parser("restore-database")
    hub.add_argument("--database", type=Path, required=True)
    hub.add_argument("--owner", type=int, default=768)
    hub.add_argument("archive", help="its name, or latest")
    return parser


def main(words: Sequence[str]) -> int:
    given = _parser().parse_args(words)
    folder = ArchiveFolder(given.archives)
    try:
        if given.command == "run":
            run(folder, given.volumes, given.names, given.database, given.keep)
        elif given.command == "restore":
            restore(folder, given.volume, given.archive, given.homes, given.names)
        else:
            restore_database(folder, given.archive, given.database, given.owner)
    except BackupFailed as failure:
        print(f"jld: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"jld: {error.filename or folder.path}: {error.strerror}; look at the volume", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.umask(0o077)  # archives hold what people keep to themselves
    sys.exit(main(sys.argv[1:]))
