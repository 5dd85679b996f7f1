"""However large a volume is, neither queue fills it for the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.logstash.settings import SettingsError
from jldlogging.logstash.volume import MIB, SMALLEST_QUEUE, report, shares

GIB = 1024**3
LARGE_ENOUGH = st.integers(min_value=GIB, max_value=2**50)


@given(wanted=LARGE_ENOUGH, usable=LARGE_ENOUGH)
def test_both_queues_fit_and_a_fifth_stays_free(wanted: int, usable: int) -> None:
    size = min(wanted, usable)
    shared = shares(wanted, usable)
    rabbitmq = size - shared.free  # what it holds when its alarm rings, with nothing of logstash's

    assert rabbitmq + shared.queue <= 0.8 * size + MIB
    # What RabbitMQ leaves is enough for all of logstash's queue, also at logstash's start.
    assert shared.free >= shared.queue + 0.2 * size - 2 * MIB
    assert shared.queue >= SMALLEST_QUEUE


@given(wanted=LARGE_ENOUGH, usable=LARGE_ENOUGH)
def test_the_alarm_ends_with_logstashs_queue_full_once_rabbitmq_has_sent_most_of_its_own(
    wanted: int, usable: int
) -> None:
    size = min(wanted, usable)
    shared = shares(wanted, usable)

    assert size - shared.queue - shared.free >= 0.2 * size


def test_a_volume_that_is_too_small_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        SettingsError, match=r"the volume has 256 MiB, too few .* larger logging\.logstash\.storage\.size"
    ):
        shares(20 * GIB, GIB // 4)


@pytest.mark.parametrize(
    ("usable", "beginning"),
    [
        (20 * GIB, "of 20480 MiB logstash's queue takes up to 6144 MiB"),
        (10 * GIB, "of 10240 MiB of the volume logstash's"),
    ],
)
def test_the_shares_are_said(usable: int, beginning: str) -> None:
    sentence = report(20 * GIB, usable, shares(20 * GIB, usable))

    assert sentence.startswith(beginning)
