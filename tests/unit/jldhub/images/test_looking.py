"""What one look at all images keeps of the last one, asks for, and finds, whatever registries answer."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.images import catalogue as catalogues
from jldhub.images.catalogue import Catalogue, ImageState
from jldhub.images.controller.looking import look
from jldhub.images.registry.errors import (
    ImageUnknown,
    RegistryAnswerUnusable,
    RegistryError,
    RegistryLoginRefused,
    RegistryUnavailable,
)
from jldhub.images.registry.reference import Repository
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series
from jldhub.settings.lab_images import LabImage

BEFORE, NOW = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
SERIES = LabImage(
    reference="reg.example.org/lab", tags="lsst", newest={"weekly": 1}, pins=["w_2026_02"], recommended="recommended"
)
SINGLE = LabImage(reference="reg.example.org/single:1.0")
WEEKLIES = [f"w_2026_{week:02}" for week in range(1, 21)]
FAILURES = [
    kind("reg.example.org/lab", "the cause", "The remedy")
    for kind in (RegistryUnavailable, RegistryLoginRefused, ImageUnknown, RegistryAnswerUnusable, RegistryError)
]


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


class Registries:
    """Tags by path, and digests by path and tag: those that the test says, or a failure. It keeps what it was asked."""

    def __init__(self) -> None:
        self.listed: dict[str, list[str] | RegistryError] = {"lab": [*WEEKLIES, "recommended"]}
        self.digest_of = {tag: digest(number) for number, tag in enumerate(WEEKLIES)} | {"recommended": digest(19)}
        self.digest_of["1.0"] = digest(100)
        self.broken: RegistryError | None = None  # for digests
        self.answers = 0  # of digests, before that
        self.asked: list[tuple[str, ...]] = []
        self.contents_of: dict[str, int] = {}  # the size of each digest; nobody has others
        self.silent = False
        self.silent_about: set[str] = set()  # digests whose contents are never answered
        self.open = self.most = 0

    async def tags(self, repository: Repository) -> list[str]:
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0)
        if self.silent:
            await asyncio.Event().wait()
        self.open -= 1
        self.asked.append(("tags", repository.path))
        found = self.listed[repository.path]
        if isinstance(found, RegistryError):
            raise found
        return found

    async def digest(self, repository: Repository, tag: str) -> str:
        return (await self.digests(repository, [tag]))[tag]

    async def digests(self, repository: Repository, tags: Iterable[str]) -> dict[str, str]:
        wanted = list(tags)
        self.asked.append(("digests", *wanted))
        self.answers -= 1
        if self.broken and self.answers < 0:
            raise self.broken
        return {tag: self.digest_of[tag] for tag in wanted if tag in self.digest_of}

    async def contents(self, repository: Repository, digest: str) -> dict[str, int]:
        if digest in self.silent_about:
            await asyncio.Event().wait()
        if digest not in self.contents_of:
            raise ImageUnknown(digest, "the cause", "The remedy")
        self.asked.append(("contents", digest))
        return {"amd64": self.contents_of[digest]}


def known(image: LabImage, **state: object) -> ImageState:
    values = {"tags": ["w_2025_50", "w_2026_01"], "digests": {"w_2026_01": digest(7)}, "checked": BEFORE}
    return ImageState.model_validate({"reference": image.reference, **values, **state})


@pytest.fixture
def registries() -> Registries:
    return Registries()


async def test_a_series(registries: Registries) -> None:
    state = (await look({"lab": SERIES}, registries, Catalogue(), NOW)).images["lab"]

    assert state == ImageState(
        reference=SERIES.reference,
        tags=sorted([*WEEKLIES, "recommended"]),
        digests={"recommended": digest(19), "w_2026_02": digest(1), "w_2026_20": digest(19)},
        checked=NOW,
    )
    assert [sorted(each) for each in registries.asked] == [
        ["lab", "tags"],
        ["digests", "recommended", "w_2026_02", "w_2026_20"],
    ]


async def test_a_single_image(registries: Registries) -> None:
    state = (await look({"single": SINGLE}, registries, Catalogue(), NOW)).images["single"]

    assert state == ImageState(reference=SINGLE.reference, digests={"1.0": digest(100)}, checked=NOW)


async def test_sizes_are_asked_for_once_and_kept_while_their_digests_are_wanted(registries: Registries) -> None:
    registries.contents_of = {digest(19): 7, digest(1): 8}
    first = await look({"lab": SERIES}, registries, Catalogue(), NOW)
    assert first.images["lab"].contents == {digest(19): {"amd64": 7}, digest(1): {"amd64": 8}}

    registries.asked.clear()
    registries.digest_of["recommended"] = registries.digest_of["w_2026_20"] = digest(55)
    second = await look({"lab": SERIES}, registries, first, NOW)
    assert second.images["lab"].contents == {digest(1): {"amd64": 8}}
    assert [each for each in registries.asked if each[0] == "contents"] == []


async def test_sizes_stay_while_the_registry_is_away(registries: Registries) -> None:
    registries.listed["lab"] = FAILURES[0]
    before = known(SERIES, contents={digest(7): {"amd64": 7}})
    state = (await look({"lab": SERIES}, registries, Catalogue(images={"lab": before}), NOW)).images["lab"]
    assert state.contents == before.contents


async def test_sizes_that_cannot_be_had_are_no_trouble(registries: Registries) -> None:
    state = (await look({"lab": SERIES}, registries, Catalogue(), NOW)).images["lab"]
    assert (state.contents, state.trouble, state.checked) == ({}, "", NOW)


async def test_a_registry_that_is_slow_with_sizes_loses_nothing_else(registries: Registries) -> None:
    """What was had before is kept, so that each look gets further."""
    registries.contents_of = dict.fromkeys(registries.digest_of.values(), 1)
    registries.silent_about = {digest(1)}
    state = (await look({"lab": SERIES}, registries, Catalogue(), NOW, longest=0.5)).images["lab"]

    assert (state.trouble, state.checked, len(state.digests)) == ("", NOW, 3)
    assert digest(1) in state.digests.values()
    assert state.contents == {digest(19): {"amd64": 1}}


async def test_a_few_sizes_are_asked_for_at_a_time(registries: Registries) -> None:
    pins = [f"w_2000_{week:02}" for week in range(1, 31)]
    image = SERIES.model_copy(update={"pins": pins, "recommended": ""})
    registries.listed["lab"] = pins
    registries.digest_of = {tag: digest(number) for number, tag in enumerate(pins)}
    registries.contents_of = dict.fromkeys(registries.digest_of.values(), 1)
    catalogue, counts = Catalogue(), []
    for _ in range(3):
        catalogue = await look({"lab": image}, registries, catalogue, NOW)
        counts.append(len(catalogue.images["lab"].contents))
    assert counts == [20, 30, 30]


async def test_the_size_of_an_image_by_digest_is_asked_for_too(registries: Registries) -> None:
    registries.contents_of = {digest(3): 9}
    image = LabImage(reference=f"reg.example.org/single@{digest(3)}")
    state = (await look({"single": image}, registries, Catalogue(), NOW)).images["single"]
    assert state == ImageState(reference=image.reference, contents={digest(3): {"amd64": 9}})


@pytest.mark.parametrize(
    "contents",
    [{"sha256:0": {"amd64": 1}}, {digest(1): {"<b>": 1}}, {digest(1): {"amd64": -1}}, {digest(1): {"amd64": 2**60}}],
)
def test_sizes_that_are_none_are_left_out_of_what_is_read(contents: dict[str, dict[str, int]]) -> None:
    written = Catalogue(images={"lab": known(SERIES, contents=contents)})
    assert Catalogue.unpack(written.pack()).images["lab"].contents == {}


async def test_an_image_without_a_tag_is_the_one_that_a_runtime_would_pull(registries: Registries) -> None:
    registries.digest_of["latest"] = digest(5)
    image = LabImage(reference="reg.example.org/single")
    state = (await look({"single": image}, registries, Catalogue(), NOW)).images["single"]

    assert state.digests == {"latest": digest(5)}


@pytest.mark.parametrize("reference", [f"x.org/y@{digest(1)}", f"x.org/y:1@{digest(1)}"])
async def test_nothing_is_asked_about_a_digest(registries: Registries, reference: str) -> None:
    catalogue = await look({"fixed": LabImage(reference=reference)}, registries, Catalogue(), NOW)

    assert catalogue.images["fixed"] == ImageState(reference=reference)
    assert registries.asked == []


async def test_the_tag_that_an_alias_stands_for_is_found_among_older_ones(registries: Registries) -> None:
    registries.digest_of["recommended"] = registries.digest_of["w_2026_11"]
    state = (await look({"lab": SERIES}, registries, Catalogue(), NOW)).images["lab"]

    assert state.digests.keys() == {"recommended", "w_2026_02", "w_2026_20", "w_2026_11"}
    series = Series.read(state.tags, grammar("lsst"), "recommended", state.digests)
    assert series.tags[0].label == "Recommended (Weekly 2026_11)"


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_failure_keeps_the_last_answer_and_touches_no_other_image(
    registries: Registries, failure: RegistryError
) -> None:
    before = Catalogue(images={"lab": known(SERIES), "single": known(SINGLE, tags=[])})
    registries.listed["lab"] = failure
    images = (await look({"lab": SERIES, "single": SINGLE}, registries, before, NOW)).images

    assert images["lab"] == known(SERIES, trouble=str(failure))
    assert (images["single"].checked, images["single"].trouble) == (NOW, "")


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_first_look_that_fails(registries: Registries, failure: RegistryError) -> None:
    registries.broken = failure
    images = (await look({"single": SINGLE}, registries, Catalogue(), NOW)).images

    assert images["single"] == ImageState(reference=SINGLE.reference, trouble=str(failure))


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_tags_without_digests_are_taken_with_the_digests_that_are_known(
    registries: Registries, failure: RegistryError
) -> None:
    """Docker Hub may list tags to somebody who has asked for too many manifests."""
    registries.broken = failure
    digests = {"w_2026_01": digest(7), "w_2025_50": digest(8)}  # there is no such tag any more
    before = Catalogue(images={"lab": known(SERIES, digests=digests)})
    state = (await look({"lab": SERIES}, registries, before, NOW)).images["lab"]

    assert state == known(
        SERIES,
        tags=sorted([*WEEKLIES, "recommended"]),
        digests={"w_2026_01": digest(7)},
        checked=NOW,
        trouble=str(failure),
    )


async def test_digests_that_came_before_a_failure_are_kept(registries: Registries) -> None:
    registries.digest_of["recommended"] = registries.digest_of["w_2026_11"]
    registries.broken, registries.answers = FAILURES[0], 1
    before = Catalogue(images={"lab": known(SERIES, digests={"w_2026_01": digest(7), "w_2026_20": digest(7)})})
    state = (await look({"lab": SERIES}, registries, before, NOW)).images["lab"]

    assert state.trouble == str(FAILURES[0])
    assert state.digests == {
        "w_2026_01": digest(7),
        "w_2026_02": digest(1),
        "w_2026_20": digest(19),
        "recommended": digest(10),
    }


async def test_a_repository_that_lists_no_tags_any_more_keeps_those_that_it_had(registries: Registries) -> None:
    registries.listed["lab"] = []
    state = (await look({"lab": SERIES}, registries, Catalogue(images={"lab": known(SERIES)}), NOW)).images["lab"]

    assert state == known(SERIES, trouble=state.trouble)
    assert state.trouble.startswith("reg.example.org/lab: the registry lists no tags.")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (LabImage(reference="Not a name"), "'Not a name' is the name of no image"),
        (LabImage(reference="reg.example.org/lab", tags="semantic"), "'semantic' is no grammar of tags"),
        (LabImage(reference="reg.example.org/lab", tags={"release": r"(?P<v1>\d+)\1"}), "may take for ever"),
    ],
)
async def test_what_cannot_be_understood_is_the_trouble_of_its_image_alone(
    registries: Registries, image: LabImage, why: str
) -> None:
    images = (await look({"wrong": image, "single": SINGLE}, registries, Catalogue(), NOW)).images

    assert why in images["wrong"].trouble
    assert images["single"].trouble == ""
    assert [each for each in registries.asked if each[0] == "tags"] == []


async def test_another_reference_starts_anew_and_a_removed_image_is_gone(registries: Registries) -> None:
    registries.listed["other"] = FAILURES[0]
    before = Catalogue(images={"lab": known(SERIES), "gone": known(SINGLE)})
    moved = SERIES.model_copy(update={"reference": "reg.example.org/other"})
    images = (await look({"lab": moved}, registries, before, NOW)).images

    assert images == {"lab": ImageState(reference=moved.reference, trouble=str(FAILURES[0]))}


async def test_a_registry_that_never_ends_its_answer_is_left(registries: Registries) -> None:
    registries.silent = True
    before = Catalogue(images={"lab": known(SERIES)})
    images = (await look({"lab": SERIES, "single": SINGLE}, registries, before, NOW, longest=0.01)).images

    assert images["lab"].tags == known(SERIES).tags
    assert "takes longer than 0.01 s" in images["lab"].trouble


async def test_a_series_with_many_classes_and_pins_asks_for_few_digests(registries: Registries) -> None:
    image = SERIES.model_copy(update={"newest": {"weekly": 100, "daily": 100}, "pins": WEEKLIES})
    registries.listed["lab"] = [
        f"{letter}_20{year}_{number:02}" + "_01" * (letter == "d")
        for letter in "wd"
        for year in (25, 26)
        for number in range(1, 54 if letter == "w" else 13)
    ]
    registries.listed["lab"] += [f"d_2024_{month:02}_{day:02}" for month in range(1, 13) for day in range(1, 29)]
    await look({"lab": image}, registries, Catalogue(), NOW)

    assert [len(each) - 1 for each in registries.asked if each[0] == "digests"] == [100]


async def test_of_many_images_a_few_are_looked_at_at_a_time(registries: Registries) -> None:
    names = [f"lab-{number}" for number in range(20)]
    registries.listed = dict.fromkeys(names, WEEKLIES)
    ended: list[int] = []
    images = {name: SERIES.model_copy(update={"reference": f"reg.example.org/{name}"}) for name in names}
    catalogue = await look(images, registries, Catalogue(), NOW, after_each=lambda: ended.append(1))

    assert (len(catalogue.images), len(ended), registries.most) == (20, 20, 4)
    assert not any(state.trouble for state in catalogue.images.values())


async def test_a_list_of_tags_that_no_config_map_holds_is_not_taken(
    registries: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    registries.listed["lab"] = [f"w_20{year}_{week:02}" for year in range(10, 99) for week in range(1, 54)]
    monkeypatch.setattr(catalogues, "LARGEST", 2000)
    before = Catalogue(images={"lab": known(SERIES)})
    images = (await look({"lab": SERIES, "single": SINGLE}, registries, before, NOW)).images

    assert images["lab"] == known(SERIES, trouble=images["lab"].trouble)
    assert "more than the 2000 that a ConfigMap holds" in images["lab"].trouble
    assert images["single"].checked == NOW
    assert Catalogue(images=images).pack()


NAMES = ("a", "b", "c")
ANSWERS = st.one_of(st.sampled_from(FAILURES), st.lists(st.sampled_from(WEEKLIES), min_size=1, unique=True))


@given(rounds=st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, ANSWERS)), max_size=6))
async def test_each_image_has_its_own_last_answer_whatever_the_others_do(
    rounds: list[dict[str, list[str] | RegistryError]],
) -> None:
    catalogue, expected = Catalogue(), dict[str, ImageState]()
    for number, answers in enumerate(rounds):
        now = NOW + timedelta(minutes=number)
        registries = Registries()
        registries.listed = dict(answers)
        images = {name: LabImage(reference=f"reg.example.org/{name}", tags="lsst") for name in answers}
        catalogue = await look(images, registries, catalogue, now)
        last, expected = expected, {}
        for name, answer in answers.items():
            state = last.get(name, ImageState(reference=f"reg.example.org/{name}"))
            expected[name] = (
                state.model_copy(update={"trouble": str(answer)})
                if isinstance(answer, RegistryError)
                else state.model_copy(update={"tags": sorted(answer), "checked": now, "trouble": ""})
            )
        assert catalogue.images == expected
        assert Catalogue.unpack(catalogue.pack()) == catalogue
