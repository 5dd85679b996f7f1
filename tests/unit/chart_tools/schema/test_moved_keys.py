"""Who writes a key that is elsewhere today reads where."""

import pytest
from jld.schema.chart import Chart
from jld.schema.legacy_keys import MOVED
from jld.schema.validation import key_paths, problems
from jld.site.tree import Node
from jlddev.support.paths import CHECKOUT

SCHEMA = Chart(CHECKOUT / "chart").schema()


@pytest.mark.parametrize(("before", "today"), MOVED.items())
def test_who_writes_a_key_of_before_reads_where_it_is_now(before: str, today: str) -> None:
    site, plain = Node("x"), "x"
    for part in reversed(before.split(".")):
        site, plain = Node({part: site}), {part: plain}  # type: ignore[assignment]
    told = [each.sentence for each in problems(site, plain, SCHEMA) if each.key == before]

    assert tuple(today.split(".")) in key_paths(SCHEMA)
    assert told == [f"there is no such key; did you mean {today}?"]
