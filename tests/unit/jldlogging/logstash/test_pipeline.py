"""The pipeline is written so that logstash reads what was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.logstash.pipeline import Option, listen_address, literal, pipeline

from tests.unit.jldlogging.logstash.building import settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens here


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (5044, "5044"),
        ("127.0.0.1", '"127.0.0.1"'),
        (["TLSv1.2", "TLSv1.3"], '["TLSv1.2", "TLSv1.3"]'),
        ({"content_type": "application/json"}, '{ "content_type" => "application/json" }'),
    ],
)
def test_a_value_is_written_as_logstash_reads_it(value: Option, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("text", ['a"b', "a\\b", "${HOME}", "%{message}", "a\nb", "a\0b"])
def test_a_text_that_logstash_would_read_as_another_one_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="no way to write") as error:
        literal(text)
    assert text not in str(error.value)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,126}", fullmatch=True))
def test_every_name_that_the_values_take_can_be_written(name: str) -> None:
    text = pipeline(settings(names=dict.fromkeys(("exchange", "routingKey"), name)), "password", "127.0.0.1")

    assert f'    exchange => "{name}"\n' in text
    assert f'    key => "{name}"\n' in text


@pytest.mark.parametrize(("pod", "listen"), [("10.1.2.3", EVERYWHERE), ("fd00::12", "::"), ("", EVERYWHERE)])
def test_logstash_listens_at_addresses_of_the_pods_family(pod: str, listen: str) -> None:
    assert listen_address(pod) == listen
