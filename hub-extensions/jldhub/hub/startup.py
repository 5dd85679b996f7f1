"""For the files of jupyterhub_config.d, JLD's and an operator's own: the settings and secrets of this hub."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from jldhub.settings.secret_files import HubSecrets, SecretError
from jldhub.settings.settings import Settings, SettingsError
from jldhub.support.logs import mask, register_secrets


def load() -> tuple[Settings, HubSecrets]:
    """A hub with wrong settings stops here, with sentences and without a traceback."""
    try:
        settings = Settings.load()
        secrets = HubSecrets.load(settings)
    except (SettingsError, SecretError) as error:
        stop(error.sentences)
    register_secrets(*secrets.values)
    return settings, secrets


def stop_at(file: Path, mistake: Exception) -> NoReturn:
    """An operator's own file is wrong: say where, without the frames of the programs that read it."""
    lines = [frame.lineno for frame in traceback.extract_tb(mistake.__traceback__) if frame.filename == str(file)]
    if isinstance(mistake, SyntaxError) and mistake.filename == str(file):
        lines.append(mistake.lineno)
    place = f"{file.name}, line {lines[-1]}" if lines else file.name
    stop([mask(f"{place}: {type(mistake).__name__}: {mistake}; correct it in hub.extraConfig.")])


def stop(sentences: Sequence[str]) -> NoReturn:
    sys.exit("\n".join(("The hub does not start:", *sentences)))
