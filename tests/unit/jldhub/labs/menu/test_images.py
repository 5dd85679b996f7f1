"""What the choice of an image stands for, and what is refused."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jldhub.identity import Identity
from jldhub.labs.menu.images import ChosenImage, image_environment
from jldhub.settings.settings import SettingsError
from jldhub.support.refusal import Refusal

from .conftest import DIGEST, IMAGES, LabImages, lsst_state, write_catalogue

NOBODY = Identity(1, 1, "", "", ())
MEMBER = Identity(1, 1, "", "", (), ("lsst", "lsst-sqre:friends"))
OFFERED = "Choose one of: science, big, lsst."


@pytest.mark.parametrize(
    ("choice", "reference", "spec"),
    [
        (None, "quay.io/jupyter/scipy-notebook:2026-11-02", None),
        ("", "quay.io/jupyter/scipy-notebook:2026-11-02", None),
        ("science", "quay.io/jupyter/scipy-notebook:2026-11-02", None),
        ("science:2026-11-02", "quay.io/jupyter/scipy-notebook:2026-11-02", None),
        ("lsst", f"docker.io/lsstsqre/sciplat-lab@{DIGEST}", "docker.io/lsstsqre/sciplat-lab:recommended"),
        ("lsst:recommended", f"docker.io/lsstsqre/sciplat-lab@{DIGEST}", "docker.io/lsstsqre/sciplat-lab:recommended"),
        ("lsst:latest-release", f"docker.io/lsstsqre/sciplat-lab@{DIGEST}", "docker.io/lsstsqre/sciplat-lab:r29_2_0"),
        (
            "lsst:latest-weekly",
            f"docker.io/lsstsqre/sciplat-lab@sha256:{'b2' * 32}",
            "docker.io/lsstsqre/sciplat-lab:w_2026_21",
        ),
        ("lsst:w_2026_19", "docker.io/lsstsqre/sciplat-lab:w_2026_19", None),
        ("lsst:dev", "docker.io/lsstsqre/sciplat-lab:dev", None),  # in no menu, but it is there
        ("staff", f"registry.example.org:5000/staff/lab@{DIGEST}", None),
        ("quay.io/jupyter/r-notebook:x", "quay.io/jupyter/r-notebook:x", None),
        (" quay.io/jupyter/r-notebook:x ", "quay.io/jupyter/r-notebook:x", None),
        (
            f"quay.io/jupyter/r-notebook:x@{DIGEST}",
            f"quay.io/jupyter/r-notebook@{DIGEST}",
            "quay.io/jupyter/r-notebook:x",
        ),
        ("QUAY.IO/jupyter/r-notebook:x", "quay.io/jupyter/r-notebook:x", None),
        ("ghcr.io/my-org/lab:2", "ghcr.io/my-org/lab:2", None),
    ],
)
async def test_a_choice_stands_for_one_image(
    lab_images: LabImages, tmp_path: Path, choice: Any, reference: str, spec: str | None
) -> None:
    write_catalogue(tmp_path, lsst=lsst_state())
    images = lab_images()
    await images.catalogue.refresh()
    chosen = images.choose(MEMBER, choice, "small")
    assert chosen is not None
    assert (chosen.reference, chosen.spec) == (reference, spec or reference)


@pytest.mark.parametrize(
    ("choice", "size", "status", "sentence"),
    [
        ("lsts", "small", 400, f"There is no lab image 'lsts'. {OFFERED}"),
        ("staff", "small", 403, f"The lab image 'staff' is for members of lsst-sqre:friends. {OFFERED}"),
        ("staff:x", "small", 403, f"The lab image 'staff' is for members of lsst-sqre:friends. {OFFERED}"),
        ("science:latest", "small", 400, "The lab image 'science' has no choice of tags. Leave 'latest' out."),
        ("big", "small", 400, "The lab image 'big' does not start with the size 'small'. Choose the size large."),
        (
            "lsst:w_2020_01",
            "small",
            400,
            "The lab image 'lsst' has no tag 'w_2020_01', or has it no longer. "
            "Choose one of: lsst:recommended, lsst:w_2026_12, lsst:w_2026_21, lsst:w_2026_20, lsst:d_2026_05_27.",
        ),
        ("lsst:-bad", "small", 400, "The lab image 'lsst' cannot have a tag '-bad', or has it no longer."),
        (
            "quay.io/jupyter/r-notebook:x",
            "small",
            403,
            f"You may not start a lab from an image of your own, such as 'quay.io/jupyter/r-notebook:x'. {OFFERED}",
        ),
        (["science"], "small", 400, f"An image is a text, and not \"['science']\". {OFFERED}"),
        ({"a": 1}, "small", 400, f"An image is a text, and not \"{{'a': 1}}\". {OFFERED}"),
        (7, "small", 400, f"An image is a text, and not '7'. {OFFERED}"),
        ("x" * 100_000, "small", 400, f"There is no lab image '{'x' * 60}'. {OFFERED}"),
    ],
)
async def test_what_a_person_is_not_offered_is_refused(
    lab_images: LabImages, tmp_path: Path, choice: Any, size: str, status: int, sentence: str
) -> None:
    write_catalogue(tmp_path, lsst=lsst_state())
    images = lab_images()
    await images.catalogue.refresh()
    with pytest.raises(Refusal) as refused:
        images.choose(NOBODY, choice, size)
    assert refused.value.status_code == status
    assert refused.value.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("typed", "status", "sentence"),
    [
        (
            "quay.io/jupyter/r-notebook",
            400,
            "has no tag. Write it behind a colon, such as quay.io/jupyter/r-notebook:latest.",
        ),
        ("quay.io/jupyter/../evil/lab:1", 400, "is the name of no image."),
        ("https://quay.io/jupyter/lab:1", 400, "is the name of no image."),
        ("quay.io/jupyter/lab:1 --privileged", 400, "is the name of no image."),
        ("quay.io/jupyter/lab:1\nx", 400, "is the name of no image."),
        (
            "quay.io/evil/lab:1",
            403,
            "is none of the images that may be typed here: quay.io/jupyter/*, ghcr.io/my-org/lab:*.",
        ),
        ("quay.io.evil.org/jupyter/lab:1", 403, "is none of the images that may be typed here"),
        ("evil.org/quay.io/jupyter/lab:1", 403, "is none of the images that may be typed here"),
        ("jupyter/lab:1", 403, "is none of the images that may be typed here"),  # Docker Hub's
        (f"ghcr.io/my-org/lab@{DIGEST}", 403, "is none of the images that may be typed here"),
        ("ghcr.io/my-org/lab-evil:1", 403, "is none of the images that may be typed here"),
        ("quay.io/" + "a/" * 50_000 + "b:1", 400, "is the name of no image."),
    ],
)
def test_a_typed_image_is_one_that_may_be_typed(lab_images: LabImages, typed: str, status: int, sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        lab_images().choose(MEMBER, typed, "small")
    assert refused.value.status_code == status
    assert sentence in refused.value.sentence
    assert len(refused.value.sentence) < 400


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choice=st.one_of(
        st.text(),
        st.from_regex(r"[a-z.]*[:/@]?[a-zA-Z0-9_.:/@*-]*", fullmatch=True),
        st.none(),
        st.lists(st.text()),
        st.integers(),
    )
)
def test_nobody_gets_what_is_in_no_list(lab_images: LabImages, choice: Any) -> None:
    """Whatever is asked for, the answer is an image of the list, or a sentence."""
    allowed = {
        IMAGES["science"]["reference"],
        "docker.io/lsstsqre/sciplat-lab:recommended",
        "docker.io/lsstsqre/sciplat-lab:w_2026_12",
    }
    with suppress(Refusal):
        chosen = lab_images().choose(NOBODY, choice, "small")
        assert chosen is not None
        assert chosen.reference in allowed


async def test_without_a_catalogue_the_tags_that_the_site_names_can_be_had(lab_images: LabImages) -> None:
    images = lab_images()
    await images.catalogue.refresh()
    assert images.choose(NOBODY, "lsst", "small") == ChosenImage(
        images.references["lsst"].repository, "recommended", "", "LSST stack, Recommended"
    )
    with pytest.raises(Refusal) as refused:
        images.choose(NOBODY, "lsst:w_2026_21", "small")
    assert refused.value.sentence == (
        "The tags of the lab image 'lsst' are not known yet, because its registry has not answered. "
        "Choose another image, or try again later."
    )


def test_a_site_without_images_has_its_one_image(lab_images: LabImages) -> None:
    images = lab_images(images={}, defaultImage="", typedImages={"groups": [], "allow": []})
    assert images.choose(NOBODY, None, "small") is None
    with pytest.raises(Refusal, match="This site has one image only: leave it out"):
        images.choose(NOBODY, "science", "small")


def test_the_default_stands_first_and_the_others_by_title(lab_images: LabImages) -> None:
    assert list(lab_images().offered(MEMBER)) == ["science", "big", "lsst", "staff"]
    assert list(lab_images().offered(NOBODY)) == ["science", "big", "lsst"]


def test_typing_is_for_members(lab_images: LabImages) -> None:
    assert lab_images().may_type(MEMBER)
    assert not lab_images().may_type(NOBODY)
    assert not lab_images(typedImages={"groups": [], "allow": ["quay.io/*"]}).may_type(MEMBER)
    assert not lab_images(typedImages={"groups": ["lsst"], "allow": []}).may_type(MEMBER)


def test_notebooks_know_their_image(lab_images: LabImages) -> None:
    images = lab_images()
    chosen = ChosenImage(images.references["lsst"].repository, "w_2026_21", DIGEST, "LSST stack, Weekly 2026_21")
    assert image_environment(chosen) == {
        "JUPYTER_IMAGE": f"docker.io/lsstsqre/sciplat-lab@{DIGEST}",
        "JUPYTER_IMAGE_SPEC": "docker.io/lsstsqre/sciplat-lab:w_2026_21",
        "IMAGE_DESCRIPTION": "LSST stack, Weekly 2026_21",
        "IMAGE_DIGEST": DIGEST,
    }
    assert image_environment(None) == {}


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (
            {"reference": "quay.io/a/b"},
            "'quay.io/a/b' has no tag; write it behind a colon, or tags: lsst to follow its tags",
        ),
        (
            {"reference": "quay.io/a/b:1", "tags": "lsst"},
            "'quay.io/a/b:1' is one image, whose tags nobody follows; leave its tag or tags out",
        ),
        ({"reference": "no image"}, "'no image' is the name of no image"),
        ({"reference": "quay.io/a/b", "tags": "weekly"}, "'weekly' is no grammar of tags"),
        ({"reference": "quay.io/a/b", "tags": {"release": r"(?P<v1>\d+)(?=x)"}}, "may take for ever"),
    ],
)
def test_images_that_cannot_be_used_stop_the_hub(lab_images: LabImages, image: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        lab_images(images={"science": image})
    assert f"hub.lab.images.science: {sentence}" in str(stopped.value) or sentence in str(stopped.value)


@pytest.mark.parametrize("pattern", ["*", "quay.io*", "*/jupyter/lab", "quay.*/jupyter/lab"])
def test_a_pattern_names_its_registry(lab_images: LabImages, pattern: str) -> None:
    with pytest.raises(
        SettingsError, match=r"hub\.lab\.typedImages\.allow: .* names no registry; write quay\.io/my-org/\*"
    ):
        lab_images(typedImages={"groups": ["lsst"], "allow": [pattern]})


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"defaultImage": ""}, "defaultImage '' is not one of images (big, lsst, science, staff); name one of them"),
        (
            {"defaultImage": "staff"},
            "defaultImage 'staff' is for lsst-sqre:friends only; name one that is for everybody",
        ),
        ({"defaultImage": "big"}, "defaultImage 'big' does not start with defaultSize; add it to its sizes"),
        (
            {"images": {"science": {**IMAGES["science"], "sizes": ["huge"]}}},
            "images.science has the size 'huge', which is not one of sizes; correct it",
        ),
        ({"images": {"science": {**IMAGES["science"], "pins": ["x"]}}}, "newest, pins and recommended are of a series"),
    ],
)
def test_keys_that_contradict_each_other_are_a_mistake(
    lab_images: LabImages, keys: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match="value_error") as mistake:
        lab_images(**keys)
    assert sentence in str(mistake.value)
