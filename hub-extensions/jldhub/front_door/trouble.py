"""Replicas that the hub cannot fill: told once in the log, and counted for Prometheus."""

from logging import ERROR, WARNING, Logger

from prometheus_client import Gauge

from jldhub.front_door.replica import ReplicaUnavailable, RouteRejected

UNFILLED = Gauge("jld_front_door_unfilled_replicas", "Replicas of the front door that the hub cannot fill with routes")


class Trouble:
    """What was told of each replica, by its address. A replica is tried again many times; each cause is told once."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._told: dict[str, set[str]] = {}

    def begin(self, address: str, reason: Exception) -> None:
        told = self._told.setdefault(address, set())
        UNFILLED.set(len(self._told))
        if str(reason) not in told:
            told.add(str(reason))
            level = WARNING if type(reason) is ReplicaUnavailable else ERROR  # silence: it starts, or is about to go
            bug = None if isinstance(reason, ReplicaUnavailable | RouteRejected) else reason
            sentence = "The front door at %s cannot be filled with routes, and is tried until it can: %s"
            self._log.log(level, sentence, address, reason, exc_info=bug)

    def end(self, address: str) -> bool:
        """Whether there was any. Also for a replica that is gone."""
        had = self._told.pop(address, None) is not None
        UNFILLED.set(len(self._told))
        return had
