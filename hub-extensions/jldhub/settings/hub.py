"""`hub`: the hub itself."""

from datetime import timedelta
from typing import Any, Literal

from jldhub.settings.lab import Lab
from jldhub.settings.login import Auth
from jldhub.settings.types import Duration, SettingsModel


class Database(SettingsModel):
    """`external`: the address is in the secret `dbUrl`.

    `upgrade`: the hub may migrate the schema of an external database.
    """

    external: bool = False
    upgrade: bool = False

    @property
    def may_change(self) -> bool:
        """Whether the hub migrates the schema, JupyterHub's and JLD's."""
        return self.upgrade or not self.external


class Culling(SettingsModel):
    """When idle labs are stopped.

    A duration of 0 means never. `busy_labs`: also labs whose kernels compute without output.
    """

    idle_timeout: Duration = timedelta(hours=12)
    max_age: Duration = timedelta(0)
    busy_labs: bool = False


class Log(SettingsModel):
    """Format and lowest level of the hub's log lines."""

    format: Literal["json", "text"] = "json"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Metrics(SettingsModel):
    """Whether Prometheus scrapes the hub, with the secret `metricsToken`."""

    enabled: bool = False


class Hub(SettingsModel):
    """The values below `hub` that the hub itself reads."""

    auth: Auth
    db: Database = Database()
    lab: Lab
    culling: Culling = Culling()
    log: Log = Log()
    metrics: Metrics = Metrics()
    # Class name to trait name to value. JupyterHub validates them.
    traits: dict[str, dict[str, Any]] = {}
