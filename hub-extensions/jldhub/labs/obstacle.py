"""Why a lab cannot start: a cause, whoever sees it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Obstacle:
    """What keeps a lab from starting."""

    reason: str  # one word, for counting
    sentence: str  # cause and remedy, for the person
    detail: str = ""  # what Kubernetes reports, unchanged
    final: bool = False  # whether waiting changes nothing
