"""For the files of jupyterhub_config.d, JLD's and an operator's own: the settings and secrets of this hub."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from jldhub.hub.database import DatabaseError, require_database
from jldhub.settings.secret_files import SecretError, Secrets
from jldhub.settings.settings import Settings, SettingsError
from jldhub.support.logs import hide, masked


def load() -> tuple[Settings, Secrets]:
    """A hub with wrong settings stops here, with sentences and without a traceback."""
    try:
        settings = Settings.load()
        secrets = Secrets.load(settings)
    except (SettingsError, SecretError) as error:
        _stop(error.sentences)
    hide(*secrets.values)
    return settings, secrets


def wait_for_database(secrets: Secrets) -> None:
    """A hub whose database is a server that does not answer stops here, likewise; the cluster then starts it again."""
    if not secrets.database_url:
        return
    try:
        require_database(secrets.database_url)
    except DatabaseError as error:
        _stop(error.sentences)


def stop_at(file: Path, mistake: Exception) -> NoReturn:
    """An operator's own file is wrong: say where, without the frames of the programs that read it."""
    lines = [frame.lineno for frame in traceback.extract_tb(mistake.__traceback__) if frame.filename == str(file)]
    if isinstance(mistake, SyntaxError) and mistake.filename == str(file):
        lines.append(mistake.lineno)
    place = f"{file.name}, line {lines[-1]}" if lines else file.name
    _stop([masked(f"{place}: {type(mistake).__name__}: {mistake}; correct it in hub.extraConfig.")])


def _stop(sentences: Sequence[str]) -> NoReturn:
    sys.exit("\n".join(("The hub does not start:", *sentences)))
