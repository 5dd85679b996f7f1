"""What JLD has for a key of Zero to JupyterHub."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of a key."""

    carried = "carried over"
    by_hand = "by hand"
    not_needed = "not needed"
    none = "no equivalent"


@dataclass(frozen=True)
class Answer:
    """The key of JLD, with a remark or without; or why there is none."""

    verdict: Verdict
    today: str = ""
    why: str = ""

    @property
    def sentence(self) -> str:
        """What stands behind the old key in a message."""
        remark = f" ({self.why})" if self.why else ""
        match self.verdict:
            case Verdict.carried:
                return f"is now {self.today}{remark}"
            case Verdict.by_hand:
                return f"is now {self.today}, which is written by hand: {self.why}"
        return f"{_VERBS[self.verdict]}: {self.why}"


_VERBS = {Verdict.not_needed: "is not needed", Verdict.none: "has no equivalent"}
Rows = dict[str, Answer]


def now(today: str, remark: str = "") -> Answer:
    """`jld init --from` puts the value there."""
    return Answer(Verdict.carried, today, remark)


def by_hand(today: str, why: str) -> Answer:
    """There is a key for it, and a person has to write it."""
    return Answer(Verdict.by_hand, today, why)


def not_needed(why: str) -> Answer:
    """JLD does it by itself, or does without."""
    return Answer(Verdict.not_needed, "", why)


def none(why: str) -> Answer:
    """JLD cannot do it."""
    return Answer(Verdict.none, "", why)


OBJECTS = "the chart's own objects are as its other parts need them"
SAFE = not_needed("each pod of the chart has the rights that it needs and no more: Pod Security `restricted`")
PROBES = not_needed("the chart's probes fit what it runs")
BUDGET = not_needed("what has copies has a PodDisruptionBudget, and what has one alone must be movable")
IMAGE = not_needed("the chart's own images are made by `make images`, and found below global.imageRegistry")
ACCOUNT = not_needed("the chart makes the ServiceAccounts, with the rights that each part needs")
HISTORY = not_needed("it is Helm's and Kubernetes' own matter")
POD_SPEC = none("pods say what JLD knows to be safe; nodes, tolerations and the like stand below `pod` of each part")
EGRESS = not_needed(
    "policies open what a part needs, by the addresses that are configured, and never a node's credentials"
)
