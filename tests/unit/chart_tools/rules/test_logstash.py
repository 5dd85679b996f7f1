"""What logstash's keys must say together."""

from typing import Any

import pytest
from jld.rules import between_keys, log_shipping
from jld.schema.chart import find_chart

from tests.unit.chart_tools.rules.test_firefly import limits


def broken(**settings: Any) -> dict[str, str]:
    effective = {"logging": {"logstash": settings}}
    return {".".join(map(str, path)): sentence for rule in log_shipping.RULES for path, sentence in rule(effective)}


@pytest.mark.parametrize(
    ("java", "limit", "fits"),
    [
        ("1Gi", "2Gi", True),
        ("1025Mi", "2Gi", False),
        ("1Gi", "2G", False),
        ("2Gi", "4.1Gi", True),
        ("1Gi", "nonsense", True),  # the schema's matter
    ],
)
def test_java_gets_at_most_half_of_the_memory(java: str, limit: str, fits: bool) -> None:
    found = broken(javaMemory=java, resources=limits(limit))

    assert (found == {}) is fits
    assert fits or "raise logging.logstash.resources.limits.memory" in found["logging.logstash.javaMemory"]


@pytest.mark.parametrize(
    ("size", "fits"), [("4Gi", True), ("4095Mi", False), ("4G", False), ("1Ti", True), ("?", True)]
)
def test_a_volume_holds_both_queues(size: str, fits: bool) -> None:
    found = broken(storage={"size": size})

    assert (found == {}) is fits
    assert fits or found["logging.logstash.storage.size"] == f"{size} is too small for two queues; write 4Gi or more"


@pytest.mark.parametrize("owner", [("logstash",), ("logstash", "rabbitmq")])
def test_requests_are_within_limits(owner: tuple[str, ...]) -> None:
    settings: dict[str, Any] = {"resources": {"requests": {"memory": "3Gi"}, "limits": {"memory": "2Gi"}}}
    for key in reversed(("logging", *owner)):
        settings = {key: settings}
    found = [path for rule in between_keys.RULES for path, _ in rule(settings)]

    assert ("logging", *owner, "resources", "requests", "memory") in found


def test_the_defaults_keep_the_rules() -> None:
    effective = find_chart(None).defaults()

    assert [path for rule in log_shipping.RULES for path, _ in rule(effective)] == []
