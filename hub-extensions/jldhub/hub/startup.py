"""Start-up of the hub, for the files of jupyterhub_config.d: loading settings and secrets, and exiting on errors."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from jldhub.settings.secret_files import HubSecrets, SecretError
from jldhub.settings.settings import Settings, SettingsError
from jldhub.support.masking import mask, register_secrets


def load() -> tuple[Settings, HubSecrets]:
    """The settings and secrets of this hub, which are masked in the log from here on.

    Exits with one sentence for each mistake where they are invalid.
    """
    try:
        settings = Settings.load()
        secrets = HubSecrets.load(settings)
    except (SettingsError, SecretError) as error:
        stop(error.sentences)
    register_secrets(*secrets.values)
    return settings, secrets


def stop_at(file: Path, mistake: Exception) -> NoReturn:
    """Exit because of an error in a configuration file: file name and line, without the traceback of what executed it."""
    lines = [frame.lineno for frame in traceback.extract_tb(mistake.__traceback__) if frame.filename == str(file)]
    if isinstance(mistake, SyntaxError) and mistake.filename == str(file):
        lines.append(mistake.lineno)
    place = f"{file.name}, line {lines[-1]}" if lines else file.name
    stop([f"{place}: {type(mistake).__name__}: {mistake}; correct it in hub.extraConfig."])


def stop(sentences: Sequence[str]) -> NoReturn:
    """Exit with status 1 and these sentences on standard error, without secrets that somebody wrote where none belongs."""
    sys.exit("\n".join(("The hub does not start:", *map(mask, sentences))))
