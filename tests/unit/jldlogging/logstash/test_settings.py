"""What the init container is told by the chart, and what it says about what it cannot use."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.logstash.settings import Settings, SettingsError, number_of_bytes

from tests.unit.jldlogging.logstash.building import settings, written


@pytest.mark.parametrize(
    ("size", "number"),
    [
        ("1Mi", 2**20),
        ("20Gi", 20 * 2**30),
        ("1.5Ti", 3 * 2**39),
        ("1Pi", 2**50),
        ("500M", 5 * 10**8),
        ("0.5G", 5 * 10**8),
    ],
)
def test_a_size_of_the_values_is_read(size: str, number: int) -> None:
    assert number_of_bytes(size) == number


@pytest.mark.parametrize("size", ["", "20", "20gi", "Gi", "1e3Gi", "-1Gi", "1Gi\n", "\u0661Gi", None, 20])
def test_what_is_no_size_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="write one like 20Gi"):
        number_of_bytes(size)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"broker": {"port": 0}}, "broker.port: "),
        ({"broker": {"port": "5671"}}, "broker.port: "),
        ({"broker": {"host": ""}}, "broker.host: "),
        ({"broker": {"password": "p"}}, "broker.password: "),
        ({"names": {"queue": 'a"b'}}, "names.queue: "),
        ({"names": {"routingKey": "%{message}"}}, "names.routingKey: "),
        ({"names": {"exchange": "${HOME}"}}, "names.exchange: "),
        ({"volumeSize": "much"}, "volumeSize: "),
        ({"unknown": 1}, "unknown: "),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=r"; correct logging\.broker or logging\.logstash in the values$") as error:
        Settings.load(written(tmp_path, **changes))
    assert sentence in str(error.value)


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"logstash\.yaml: cannot be read \(No such file or directory\)"):
        Settings.load(tmp_path / "logstash.yaml")
    (tmp_path / "logstash.yaml").write_bytes(b"\xff: [")
    with pytest.raises(SettingsError, match="not YAML"):
        Settings.load(tmp_path / "logstash.yaml")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_the_broker_elsewhere_may_have_any_names(name: str) -> None:
    broker = settings(broker=dict.fromkeys(("vhost", "exchange", "routingKey", "user"), name)).broker

    assert {broker.vhost, broker.exchange, broker.routing_key, broker.user} == {name}
