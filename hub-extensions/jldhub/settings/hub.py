"""`hub`: the hub itself."""

from datetime import timedelta
from itertools import chain
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from jldhub.settings.access.services import NamedServers, Role, RoleName, Service, ServiceName
from jldhub.settings.lab import Lab
from jldhub.settings.login import Auth
from jldhub.settings.types import Duration, ListedName, SettingsModel


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


class Limits(SettingsModel):
    """When a lab is stopped. A duration of 0 means never, None that what holds for all labs counts."""

    idle_timeout: Duration | None = None
    max_age: Duration | None = None

    @field_validator("idle_timeout")
    @classmethod
    def _leaves_time_for_reports(cls, idle_timeout: timedelta | None) -> timedelta | None:
        if idle_timeout and idle_timeout < _SHORTEST_IDLE_TIMEOUT:
            raise ValueError(
                "labs in use would be stopped before they have told the hub; write 5m or more, or 0s for never"
            )
        return idle_timeout


class NamedServerLimits(Limits):
    """When labs with a name are stopped, and whether they are then taken off the person's list."""

    remove: bool = False


class Culling(Limits):
    """When labs are stopped.

    `busy_labs`: also labs whose kernels compute without output. `people`: whose labs have limits of their own, which win over
    those of named servers.
    """

    idle_timeout: Duration = timedelta(hours=12)
    max_age: Duration = timedelta(0)
    busy_labs: bool = False
    named_servers: NamedServerLimits = NamedServerLimits()
    people: dict[ListedName, Limits] = {}

    @property
    def every_limit(self) -> list[Limits]:
        """Each set of limits that labs have."""
        return [self, self.named_servers, *self.people.values()]

    @property
    def report_seconds(self) -> int:
        """The time between two reports of a lab about its activity: a report may come late, and another one be lost."""
        shortest = min((each.idle_timeout for each in self.every_limit if each.idle_timeout), default=None)
        longest = min(_REPORTS, shortest / 6) if shortest else _REPORTS
        return int(longest.total_seconds())


class Log(SettingsModel):
    """Format and lowest level of the hub's log lines."""

    format: Literal["json", "text"] = "json"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Hub(SettingsModel):
    """The values below `hub` that the hub itself reads."""

    auth: Auth
    db: Database = Database()
    lab: Lab
    culling: Culling = Culling()
    log: Log = Log()
    named_servers: NamedServers = NamedServers()
    services: dict[ServiceName, Service] = {}
    roles: dict[RoleName, Role] = {}
    # Class name to trait name to value. JupyterHub validates them.
    traits: dict[str, dict[str, Any]] = {}

    @property
    def groups_of_roles(self) -> list[str]:
        """The groups whose members have a role: a login has to read these memberships."""
        return list(dict.fromkeys(chain.from_iterable(role.groups for role in self.roles.values())))

    @model_validator(mode="after")
    def _roles_are_somebodys(self) -> Self:
        for name, role in self.roles.items():
            if strangers := sorted(set(role.services) - self.services.keys()):
                raise ValueError(
                    f"roles.{name}.services names {', '.join(strangers)}, which is none of services; add it there"
                )
            if self.auth.dummy and role.groups:
                raise ValueError(f"roles.{name}.groups: with auth.dummy nobody has groups; remove it")
        return self

    @model_validator(mode="after")
    def _names_are_those_of_the_hub(self) -> Self:
        listed = {f"roles.{role}.users": self.roles[role].users for role in self.roles}
        faults = self.auth.faults_of_names({**listed, "culling.people": list(self.culling.people)})
        if faults:
            raise ValueError("; ".join(faults))
        return self
