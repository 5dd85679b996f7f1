"""Durations and quantities: what is understood, what is refused, and that nothing else happens."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jldhub.settings.quantities import parse_cpu, parse_duration, parse_memory, parse_quantity

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@given(st.integers(0, 36500), st.sampled_from(sorted(UNITS)))
def test_a_number_with_its_unit_is_a_duration(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == timedelta(**{UNITS[unit]: number})


@given(ANYTHING | st.from_regex(r"[0-9]+[a-zA-Z ]*"))
@example("1h30m")
@example("12h\n")
@example("٣h")
@example("9" * 5000 + "d")
def test_everything_else_is_refused_with_a_remedy(value: object) -> None:
    try:
        duration = parse_duration(value)
    except ValueError as error:
        remedy = str(error)
    else:
        remedy = "; write "
        assert isinstance(value, str)
        assert timedelta(0) <= duration <= timedelta(days=36500)
    assert "; write " in remedy


@pytest.mark.parametrize(
    ("text", "remedy"), [("12hours", "12h"), ("5 min", "5m"), ("7 Days", "7d"), ("3600", "a number and a unit")]
)
def test_the_remedy_is_what_the_writer_meant(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"is not a duration; write {remedy}"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "memory"),
    [("2Gi", 2**31), ("512M", 512_000_000), ("1.5Gi", 3 * 2**29), (2**30, 2**30), ("1073741824", 2**30)],
)
def test_memory_is_read_as_kubernetes_reads_it(value: object, memory: int) -> None:
    assert parse_memory(value) == memory


@pytest.mark.parametrize(("value", "cores"), [(0.5, 0.5), ("500m", 0.5), (2, 2.0), ("2", 2.0), ("0.1234", 0.123)])
def test_cores_are_read_to_the_thousandth(value: object, cores: float) -> None:
    assert parse_cpu(value) == cores


@pytest.mark.parametrize("value", ["4", 4, "100k", "1m"])
def test_memory_without_its_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is less than 1M; write a unit"):
        parse_memory(value)


@given(ANYTHING | st.from_regex(r"[0-9.]+[a-zA-Z]*"))
@example(True)
@example("1e999999999")
@example(float("inf"))
@example(float("nan"))
def test_a_quantity_is_more_than_nothing_or_refused(value: object) -> None:
    for parse in (parse_quantity, parse_cpu, parse_memory):
        try:
            quantity = parse(value)
        except ValueError as error:
            remedy = str(error)
        else:
            remedy = "; write "
            assert quantity > 0
        assert "; write " in remedy
