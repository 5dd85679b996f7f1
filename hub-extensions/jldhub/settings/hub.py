"""`hub`: the hub itself."""

from datetime import timedelta
from typing import Any, Literal

from jldhub.settings.lab import Lab
from jldhub.settings.login import Auth
from jldhub.settings.types import Duration, SettingsModel


class Database(SettingsModel):
    external: bool = False
    upgrade: bool = False


class Culling(SettingsModel):
    """When the hub stops labs that nobody uses."""

    idle_timeout: Duration = timedelta(hours=12)
    max_age: Duration = timedelta(0)
    busy_labs: bool = False


class Log(SettingsModel):
    """What the hub writes to its log."""

    format: Literal["json", "text"] = "json"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Metrics(SettingsModel):
    enabled: bool = False


class Hub(SettingsModel):
    auth: Auth
    db: Database = Database()
    lab: Lab
    culling: Culling = Culling()
    log: Log = Log()
    metrics: Metrics = Metrics()
    # Class to trait to value. JupyterHub says itself what is wrong with one.
    traits: dict[str, dict[str, Any]] = {}
