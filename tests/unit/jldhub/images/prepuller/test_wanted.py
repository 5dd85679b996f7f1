"""Which images nodes should have, and in which order."""

from typing import Any

import pytest
from jldhub.images.catalogue import Catalogue, ImageState
from jldhub.images.prepuller.node import Place
from jldhub.images.prepuller.wanted import WantedImage, wanted_images
from jldhub.settings.lab import Lab

from .test_plan import NAMES
from .world import digest, lab_names

SIZES = {
    "small": {"cpu": 1, "memory": "2Gi"},
    "large": {"cpu": 4, "memory": "8Gi"},
    "gpu": {
        "cpu": 8,
        "memory": "32Gi",
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"operator": "Exists", "key": "gpu"}],
    },
}
SERIES = {
    "reference": "docker.io/lsstsqre/sciplat-lab",
    "tags": "lsst",
    "newest": {"release": 1, "weekly": 2},
    "pins": ["w_2025_10"],
    "recommended": "recommended",
}
TAGS = ["recommended", "r29_2_0", "r28_0_0", "w_2026_21", "w_2026_20", "w_2026_19", "w_2025_10", "unknown"]
DIGESTS = {tag: digest(number) for number, tag in enumerate(["w_2026_21", "w_2026_20", "r29_2_0", "w_2025_10"])}
KNOWN = ImageState(
    reference=SERIES["reference"],
    tags=TAGS,
    digests=DIGESTS | {"recommended": DIGESTS["w_2026_21"]},
    contents={DIGESTS["w_2026_20"]: {"amd64": 7, "arm64": 8}},
)
SINGLE = {"reference": "quay.io/jupyter/scipy-notebook:2026-11-02"}


def asked(images: dict[str, Any]) -> dict[str, ImageState]:
    """Each image's registry was asked, and did not answer."""
    return {
        name: ImageState(reference=image["reference"], trouble="it does not answer") for name, image in images.items()
    }


def wanted(images: dict[str, Any], states: dict[str, ImageState], **lab: Any) -> list[WantedImage]:
    document = {"sizes": SIZES, "defaultSize": "small", "images": images, **lab}
    if images:
        document.setdefault("defaultImage", next(iter(images)))
    return wanted_images(Lab.model_validate(document), lab_names(NAMES), Catalogue(images=asked(images) | states))


def test_without_images_it_is_the_site_s_own_and_the_hub_s() -> None:
    assert [each.runnable for each in wanted({}, {})] == ["localhost/jld/lab:0.1.0", "localhost/jld/hub:0.1.0"]
    assert [each.title for each in wanted({}, {}, provisionHomes=False)] == ["lab"]


def test_the_order_is_default_hub_recommended_pins_newest_single() -> None:
    images = {"science": SINGLE, "lsst": SERIES, "another": {"reference": "quay.io/jupyter/r-notebook:1"}}
    assert [(each.title, each.runnable) for each in wanted(images, {"lsst": KNOWN})] == [
        ("science", SINGLE["reference"]),
        ("hub", "localhost/jld/hub:0.1.0"),
        ("lsst:recommended", f"docker.io/lsstsqre/sciplat-lab@{DIGESTS['w_2026_21']}"),
        ("lsst:w_2025_10", f"docker.io/lsstsqre/sciplat-lab@{DIGESTS['w_2025_10']}"),
        ("lsst:r29_2_0", f"docker.io/lsstsqre/sciplat-lab@{DIGESTS['r29_2_0']}"),
        ("lsst:w_2026_20", f"docker.io/lsstsqre/sciplat-lab@{DIGESTS['w_2026_20']}"),
        ("another", "quay.io/jupyter/r-notebook:1"),
    ]


def test_of_a_series_that_is_the_default_the_first_tag_comes_before_the_hub() -> None:
    assert [each.title for each in wanted({"lsst": SERIES}, {"lsst": KNOWN})][:3] == [
        "lsst:recommended",
        "hub",
        "lsst:w_2025_10",
    ]


def test_without_an_answer_it_is_what_the_settings_name() -> None:
    assert [each.runnable for each in wanted({"lsst": SERIES}, {})] == [
        "docker.io/lsstsqre/sciplat-lab:recommended",
        "localhost/jld/hub:0.1.0",
        "docker.io/lsstsqre/sciplat-lab:w_2025_10",
    ]


def test_what_is_known_of_another_repository_does_not_count() -> None:
    other = KNOWN.model_copy(update={"reference": "docker.io/lsstsqre/other"})
    assert [each.title for each in wanted({"lsst": SERIES}, {"lsst": other})] == ["hub"]


def test_before_a_registry_was_asked_nothing_is_wanted_of_it() -> None:
    """A digest is better than a tag, and is known soon."""
    lab = Lab.model_validate({"sizes": SIZES, "defaultSize": "small", "images": {"a": SINGLE}, "defaultImage": "a"})
    assert [each.title for each in wanted_images(lab, lab_names(NAMES), Catalogue())] == ["hub"]


def test_a_single_image_is_pulled_by_the_digest_that_its_tag_has_now() -> None:
    state = ImageState(reference=SINGLE["reference"], digests={"2026-11-02": digest(9)})
    (first, _) = wanted({"science": SINGLE}, {"science": state})
    assert first.runnable == f"quay.io/jupyter/scipy-notebook@{digest(9)}"


def test_sizes_in_bytes_are_those_of_the_digest() -> None:
    found = {each.title: each for each in wanted({"lsst": SERIES}, {"lsst": KNOWN})}
    assert found["lsst:w_2026_20"].sizes == {"amd64": 7, "arm64": 8}
    assert (found["lsst:w_2026_20"].bytes, found["lsst:r29_2_0"].bytes) == (8, 0)


def test_an_image_is_wanted_where_a_size_starts_with_it() -> None:
    images = {"science": SINGLE, "learning": {"reference": "quay.io/jupyter/pytorch-notebook:1", "sizes": ["gpu"]}}
    found = {each.title: each.places for each in wanted(images, {}, pod={"nodeSelector": {"pool": "labs"}})}
    labs, gpu = Place({"pool": "labs"}, ()), {"pool": "gpu"}
    assert found["science"][0] == labs
    assert [place.selector for place in found["science"]] == [labs.selector, gpu]
    assert [place.selector for place in found["learning"]] == [gpu]
    assert [each.key for each in found["learning"][0].tolerations] == ["gpu"]
    assert found["hub"] == found["science"]


def test_an_image_under_two_names_is_wanted_once_and_wherever_either_starts() -> None:
    images = {"science": {**SINGLE, "sizes": ["small"]}, "same": {**SINGLE, "sizes": ["gpu"]}}
    science, _ = wanted(images, {})
    assert science.title == "science"
    assert [place.selector for place in science.places] == [{}, {"pool": "gpu"}]


@pytest.mark.parametrize("reference", ["https://quay.io/x", "quay.io/UPPER:1", "x:y:z", ""])
def test_what_cannot_be_read_is_left_out(reference: str) -> None:
    """The hub says so when it starts."""
    images = {"science": SINGLE, "broken": {"reference": reference or " "}}
    assert [each.title for each in wanted(images, {})] == ["science", "hub"]
