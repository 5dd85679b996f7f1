"""The command line of the init container: `python -m jldlogging.logstash SETTINGS`."""

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from jldlogging.logstash import secret_files, volume
from jldlogging.logstash.files import Made, logstash_files, make_data_folders, rabbitmq_files, write
from jldlogging.logstash.pipeline import listen_address
from jldlogging.logstash.settings import Settings, SettingsError


def run(settings: Settings, made: Made) -> str:
    """Write the files of both programs. Returns what the log says about it. Raises SettingsError."""
    folders = settings.folders
    login = secret_files.read(folders.secret)
    make_data_folders(folders.volume)
    usable = usable_bytes(folders.volume)
    shared = volume.shares(settings.volume_size, usable)
    write(folders.logstash, logstash_files(settings, shared, made))
    write(folders.rabbitmq, rabbitmq_files(settings, login, shared, made))
    return volume.report(settings.volume_size, usable, shared)


def usable_bytes(folder: Path) -> int:
    """What a file system has for its users: used or free, without what it keeps for root."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree + found.f_bavail) * found.f_frsize


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m jldlogging.logstash SETTINGS", file=sys.stderr)
        return 2
    listen = listen_address(os.environ.get("POD_IP", ""))
    made = Made(secrets.token_urlsafe(32), secrets.token_bytes(4), listen)
    try:
        sentence = run(Settings.load(Path(arguments[0])), made)
    except SettingsError as error:
        for line in str(error).splitlines():
            print(f"jld: {line}", file=sys.stderr)
        return 1
    print(f"jld: {sentence}", flush=True)
    return 0


if __name__ == "__main__":
    os.umask(0o077)  # what is written is secret
    sys.exit(main(sys.argv[1:]))
