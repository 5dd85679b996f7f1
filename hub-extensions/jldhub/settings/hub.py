"""`hub`: the hub itself."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import field_validator

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


# A lab notes once a minute that its kernels compute, and JupyterHub's own time between two of its reports is five minutes.
_SHORTEST_IDLE_TIMEOUT = timedelta(minutes=5)
_REPORTS = timedelta(minutes=5)


class Culling(SettingsModel):
    """When idle labs are stopped.

    A duration of 0 means never. `busy_labs`: also labs whose kernels compute without output.
    """

    idle_timeout: Duration = timedelta(hours=12)
    max_age: Duration = timedelta(0)
    busy_labs: bool = False

    @field_validator("idle_timeout")
    @classmethod
    def _leaves_time_for_reports(cls, idle_timeout: timedelta) -> timedelta:
        if timedelta(0) < idle_timeout < _SHORTEST_IDLE_TIMEOUT:
            raise ValueError(
                "labs in use would be stopped before they have told the hub; write 5m or more, or 0s for never"
            )
        return idle_timeout

    @property
    def report_seconds(self) -> int:
        """The time between two reports of a lab about its activity: a report may come late, and another one be lost."""
        longest = min(_REPORTS, self.idle_timeout / 6) if self.idle_timeout else _REPORTS
        return int(longest.total_seconds())


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
