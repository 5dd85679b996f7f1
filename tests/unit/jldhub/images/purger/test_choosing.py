"""Which images of a node go: never one that is used, pinned, wanted or not of labs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.images.purger.choosing import FOREIGN, Image, InvalidOrder, Order, Used, largest_first, repository, why_kept

OURS, OTHER, FOREIGN_ONE = "registry.example.org:5000/lab", "docker.io/library/lab", "registry.k8s.io/pause"
DIGESTS = [f"sha256:{number:064x}" for number in range(3)]
ORDER = Order(frozenset({OURS, OTHER}), frozenset({f"{OURS}@{DIGESTS[0]}", f"{OURS}:w_1"}), 80)
NOTHING = Used.of([])

names = st.builds(
    lambda place, end: f"{place}{end}",
    st.sampled_from([OURS, OTHER, FOREIGN_ONE, f"{OURS}/more", "localhost/lab"]),
    st.sampled_from([":w_1", ":w_2", *(f"@{digest}" for digest in DIGESTS)]),
)
images = st.builds(
    Image,
    st.sampled_from([f"sha256:{number:064x}" for number in range(100, 104)]),
    st.lists(names, max_size=4).map(tuple),
    st.integers(0, 10**10),
    st.booleans(),
)


def image(*image_names: str, pinned: bool = False, identity: str = "sha256:1") -> Image:
    return Image(identity, image_names, 8, pinned)


@given(images, st.lists(st.one_of(names, st.sampled_from(["sha256:" + "0" * 61 + "064", "f" * 64, ""])), max_size=4))
def test_nothing_that_is_used_pinned_wanted_or_foreign_ever_goes(found: Image, references: list[str]) -> None:
    if why_kept(found, ORDER, Used.of(references)):
        return
    assert found.names
    assert {name.partition("@")[0].removesuffix(":w_1").removesuffix(":w_2") for name in found.names} <= {OURS, OTHER}
    assert not found.is_pinned
    assert not ORDER.wanted & set(found.names)
    assert not {found.id, *found.names} & set(references)
    assert not {name.partition("@")[2] for name in found.names if "@" in name} & {
        each.partition("@")[2] for each in references if "@" in each
    }


@pytest.mark.parametrize(
    ("found", "used", "reason"),
    [
        (image(f"{OURS}:w_2"), [], ""),
        (image(f"{OURS}:w_2", f"{OTHER}@{DIGESTS[1]}"), [], ""),
        (image(f"{OURS}:w_2", f"{FOREIGN_ONE}:w_2"), [], FOREIGN),
        (image(), [], FOREIGN),
        (image("<none>@<none>"), [], FOREIGN),
        (image(f"{OURS}/more:w_2"), [], FOREIGN),
        (image("registry.example.org/lab:w_2"), [], FOREIGN),  # another port
        (image(f"{OURS}:w_2", pinned=True), [], "it is pinned"),
        (image(f"{OURS}:w_1"), [], "it is wanted"),
        (image(f"{OURS}:w_2", f"{OURS}@{DIGESTS[0]}"), [], "it is wanted"),
        (image(f"{OURS}:w_2"), [f"{OURS}:w_2"], "a container uses it"),
        (image(f"{OURS}:w_2"), ["sha256:1"], "a container uses it"),
        (image(f"{OURS}:w_2", identity="abc"), ["sha256:abc"], "a container uses it"),  # CRI-O writes ids without it
        (image(f"{OURS}:w_2", identity="sha256:abc"), ["abc"], "a container uses it"),
        (image(f"{OURS}@{DIGESTS[1]}"), [f"{FOREIGN_ONE}@{DIGESTS[1]}"], "a container uses it"),
        (image(f"{OURS}:w_2"), [""], ""),
    ],
)
def test_each_reason_to_stay(found: Image, used: list[str], reason: str) -> None:
    assert why_kept(found, ORDER, Used.of(used)) == reason


def test_the_largest_is_first() -> None:
    found = [Image("a", (), 1, False), Image("c", (), 2, False), Image("b", (), 2, False)]
    assert [each.id for each in largest_first(found)] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"{OURS}:w_1", OURS),
        (f"{OURS}@{DIGESTS[0]}", OURS),
        (f"{OURS}:w_1@{DIGESTS[0]}", OURS),
        (OURS, OURS),
        ("localhost/lab", "localhost/lab"),
        (DIGESTS[0], "sha256"),
    ],
)
def test_a_port_is_no_tag(name: str, found: str) -> None:
    assert repository(name) == found


GOOD: dict[str, Any] = {"repositories": [OURS], "wanted": [f"{OURS}:w_1"], "above": 80}


def test_an_order_is_read() -> None:
    wanted = frozenset({f"{OURS}:w_1"})
    assert Order.read(json.dumps(GOOD)) == Order(frozenset({OURS}), wanted, 80)
    assert Order.read(json.dumps(GOOD | {"dryRun": True})).dry_run


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "null",
        *(
            json.dumps(GOOD | change)
            for change in (
                {"repositories": []},
                {"repositories": [""]},
                {"repositories": [[OURS]]},
                {"repositories": None},
                {"wanted": []},
                {"wanted": [1]},
                {"above": 9},
                {"above": 96},
                {"above": "80"},
                {"above": True},
                {"dryRun": "no"},
                {"other": 1},
            )
        ),
        *(json.dumps({key: value for key, value in GOOD.items() if key != missing}) for missing in GOOD),
    ],
)
def test_an_order_with_a_mistake_removes_nothing(text: str) -> None:
    with pytest.raises(InvalidOrder):
        Order.read(text)
