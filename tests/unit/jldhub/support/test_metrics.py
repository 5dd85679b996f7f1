"""Counters that Prometheus knows before they count: of the first count of a new one it sees no increase."""

import re
from pathlib import Path

from jldhub.support.metrics import REASONS
from prometheus_client import REGISTRY, generate_latest

EXTENSIONS = Path(__file__).resolve().parents[4] / "hub-extensions" / "jldhub"


def test_each_reason_of_a_failed_start_is_told_from_the_start_on() -> None:
    told = re.findall(r'(?m)^jld_failed_starts_total\{reason="(\S+)"\}', generate_latest(REGISTRY).decode())

    assert set(told) >= set(REASONS)


def test_the_reasons_are_those_of_obstacles() -> None:
    texts = [module.read_text() for module in EXTENSIONS.rglob("*.py")]
    used = {reason for text in texts for reason in re.findall(r'\bObstacle\(\s*"(\w+)"', text)}

    assert len(used) > 15
    assert sorted(REASONS) == sorted(used)
