"""The reason why a lab cannot start, shared by all code that detects one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Obstacle:
    """A condition that prevents a lab from starting."""

    reason: str  # one word of support.metrics.REASONS: the label `reason` of the metric jld_failed_starts
    sentence: str  # cause and remedy, for the person
    detail: str = ""  # the message from Kubernetes, on one line
    final: bool = False  # whether the start fails at once; otherwise it may resolve before the time-out


def missing(kind: str, name: str, key: str = "", detail: str = "") -> Obstacle:
    """A Secret or ConfigMap, or a key of it, that the site names for labs and that is not there."""
    what = f"{kind} {name}".strip()
    sentence = (
        f"Something that every lab of this site gets is not there: {f'the key {key} of the {what}' if key else f'the {what}'}. "
        "Tell an administrator of this site."
    )
    return Obstacle("container", sentence, detail, final=True)
