"""The form of the page on which people start a lab."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jldhub.identity import Identity
from jldhub.images.nodes import ImageOnNodes
from jldhub.labs.menu.handler import HANDLERS
from jldhub.labs.menu.images import Images
from jldhub.labs.menu.page import Preselection, preselection, render

from .conftest import DIGEST, IMAGES, LabImages, lsst_state, write_catalogue, write_nodes

NOBODY = Identity(1, 1, "", "", ())
MEMBER = Identity(1, 1, "", "", (), ("lsst", "lsst-sqre:friends"))
FIRST = ["lsst:recommended", "lsst:w_2026_12", "lsst:w_2026_21", "lsst:w_2026_20", "lsst:d_2026_05_27"]


class Form(HTMLParser):
    """The fields of a form, by their names: value and whether it is checked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, list[tuple[str, bool]]] = {}
        self.feed(text)
        self.text = text

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "input" and given.get("name"):
            self.fields.setdefault(str(given["name"]), []).append((given.get("value") or "", "checked" in given))

    def values(self, name: str) -> list[str]:
        return [value for value, _ in self.fields.get(name, [])]

    def checked(self, name: str) -> list[str]:
        return [value for value, checked in self.fields.get(name, []) if checked]


def form(
    images: Images, identity: Identity = NOBODY, notices: Sequence[str] = (), given: Preselection | None = None
) -> Form:
    return Form(render(images, identity, notices, given or Preselection()))


@pytest.fixture
async def images(lab_images: LabImages, tmp_path: Path) -> Images:
    write_catalogue(tmp_path, lsst=lsst_state())
    images = lab_images()
    await images.catalogue.refresh()
    return images


def test_a_person_sees_what_they_may_choose(images: Images) -> None:
    page = form(images)
    assert page.values("image") == ["science", "big", *FIRST]
    assert page.checked("image") == ["science"]
    assert page.values("profile") == ["small", "large"]
    assert page.checked("profile") == ["small"]
    assert "typed-image" not in page.fields
    page = form(images, MEMBER)
    assert page.values("image") == ["science", "big", *FIRST, "staff", "/"]
    assert "quay.io/jupyter/*, ghcr.io/my-org/lab:*" in page.text


def test_a_series_says_what_an_alias_stands_for(images: Images) -> None:
    assert "Recommended (Release 29.2.0)" in form(images).text
    assert "Search all 8 tags" in form(images).text  # all but `dev`, which is none of LSST's


@pytest.mark.parametrize(
    ("given", "image", "size"),
    [
        ({}, ["science"], ["small"]),
        ({"image": "lsst"}, ["lsst:recommended"], ["small"]),
        ({"image": "lsst:latest-weekly", "size": "large"}, ["lsst:w_2026_21"], ["large"]),
        ({"image": "lsst:w_2026_19", "profile": "large"}, ["lsst:w_2026_19"], ["large"]),
        ({"opt-image": "big", "opt-size": "large"}, ["big"], ["large"]),
        # What cannot be had is not preselected, and nothing says whether it exists.
        ({"image": "lsst:w_2020_01"}, ["science"], ["small"]),
        ({"image": "staff", "size": "huge"}, ["science"], ["small"]),
        ({"image": "<script>", "size": "<script>"}, ["science"], ["small"]),
        ({"image": "science:x"}, ["science"], ["small"]),
        ({"image": ":"}, ["science"], ["small"]),
    ],
)
def test_a_link_chooses(images: Images, given: dict[str, str], image: list[str], size: list[str]) -> None:
    page = form(images, given=preselection(given))
    assert (page.checked("image"), page.checked("profile")) == (image, size)
    assert "<script>" not in page.text.replace("<script>\n", "")


def test_an_image_in_a_link_is_typed_for_who_may(images: Images) -> None:
    given = preselection({"image": 'quay.io/jupyter/lab:1"><script>'})
    page = form(images, MEMBER, given=given)
    assert page.checked("image") == ["/"]
    assert page.values("typed-image") == ['quay.io/jupyter/lab:1"><script>']
    assert form(images, given=given).checked("image") == ["science"]


def test_a_refused_form_is_shown_as_it_was(images: Images) -> None:
    page = form(images, MEMBER, given=preselection({"image": "/", "typed-image": "quay.io/x", "profile": "large"}))
    assert (page.checked("image"), page.values("typed-image"), page.checked("profile")) == (
        ["/"],
        ["quay.io/x"],
        ["large"],
    )
    page = form(images, MEMBER, given=preselection({"image": "big", "typed-image": "quay.io/x"}))
    assert (page.checked("image"), page.values("typed-image")) == (["big"], [""])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("w_2026_19", ["lsst:w_2026_19"]),
        ("weekly 19", ["lsst:w_2026_19"]),
        ("RELEASE", ["lsst:r29_2_0", "lsst:r29_1_0"]),
        ("  ", []),
        ("nothing", []),
        ("<script>", []),
        ("dev", []),
        ("w_2026_21", []),  # among the first already
    ],
)
def test_all_tags_are_searched(images: Images, text: str, found: list[str]) -> None:
    page = form(images, given=Preselection(searches={"lsst": text, "science": text, "staff": text}))
    assert page.values("image") == ["science", "big", *FIRST, *found]
    assert page.values("search.lsst") == [text.strip()]
    assert page.checked("image") == (found[:1] or ["science"])
    assert "<script>" not in page.text.replace("<script>\n", "")


async def test_a_series_of_ten_thousand_tags_makes_a_small_page(lab_images: LabImages, tmp_path: Path) -> None:
    tags = [f"w_20{year:02}_{week:02}_{extra}" for year in range(10, 90) for week in range(1, 51) for extra in "abc"]
    write_catalogue(tmp_path, lsst=lsst_state(tags=tags[:10_000]))
    images = lab_images()
    await images.catalogue.refresh()
    page = form(images, given=Preselection(searches={"lsst": "w_20"}))
    assert len(page.text) < 40_000
    assert len(page.values("image")) < 70
    assert "that are not shown: search more precisely" in page.text


@pytest.mark.parametrize(
    ("state", "note"),
    [
        ({}, ""),
        (
            {"checked": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)},
            "The list of tags is of 2026-01-02 03:04 UTC: its registry has not answered since.",
        ),
        ({"trouble": "quay.io is slow; ask its maker"}, " UTC: its registry has not answered since."),
        (
            {"tags": [], "checked": None, "trouble": "<b>"},
            "Its registry has not answered yet: only the tags that this site names are shown.",
        ),
    ],
)
async def test_an_old_answer_has_its_age(
    lab_images: LabImages, tmp_path: Path, state: dict[str, Any], note: str
) -> None:
    write_catalogue(tmp_path, lsst=lsst_state(**state))
    images = lab_images()
    await images.catalogue.refresh()
    notes = re.findall(r'<p class="jld-note[^>]*>(.*?)</p>', form(images).text)
    assert len(notes) == bool(note)
    assert note in "".join(notes)


async def test_an_answer_of_the_last_two_hours_is_not_old(lab_images: LabImages, tmp_path: Path) -> None:
    """The controller writes once an hour that nothing is new."""
    write_catalogue(tmp_path, lsst=lsst_state(checked=datetime.now(UTC) - timedelta(minutes=100)))
    images = lab_images()
    await images.catalogue.refresh()
    assert "The list of tags is of" not in form(images).text


def test_without_a_catalogue_there_is_a_page(lab_images: LabImages) -> None:
    page = form(lab_images())
    assert page.values("image") == ["science", "big", "lsst:recommended", "lsst:w_2026_12"]
    assert "Its registry has not answered yet: only the tags that this site names are shown." in page.text


def test_a_site_with_one_image_asks_for_the_size_alone(lab_images: LabImages) -> None:
    site = lab_images(images={}, defaultImage="")
    assert form(site).values("image") == []
    assert form(site, MEMBER).values("image") == ["", "/"]
    assert form(site, MEMBER).checked("image") == [""]


HOSTILE = ["<script>alert(1)</script>", "{{ 7 * 6 }}", "{% raw %}", '"><b onload=x>', "{# gone #} kept"]


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_a_site_are_neither_html_nor_a_template(lab_images: LabImages, text: str) -> None:
    images = {
        "science": {**IMAGES["science"], "title": text, "description": text},
        "lsst": {**IMAGES["lsst"], "title": text, "description": text},
    }
    page = form(lab_images(images=images), notices=[text]).text
    assert "<script>alert" not in page
    assert "<b onload" not in page
    assert "42" not in page
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
    assert page.count(escaped) >= 5


def test_a_notice_keeps_its_lines(lab_images: LabImages) -> None:
    assert (
        "Maintenance\non Monday &amp; Tuesday</div>"
        in form(lab_images(), notices=["Maintenance\non Monday & Tuesday\n"]).text
    )


def test_notices_stand_above_the_choices(lab_images: LabImages) -> None:
    text = form(lab_images(), notices=["Maintenance on Monday", "Welcome"]).text
    order = [
        text.index(each)
        for each in ("Maintenance on Monday", "Welcome", 'name="image"', 'name="profile"', 'name="environment"')
    ]
    assert order == sorted(order)


def test_every_address_of_jupyterhubs_page_has_the_handler() -> None:
    assert sorted(path for path, _ in HANDLERS) == ["/spawn", "/spawn/([^/]+)", "/spawn/([^/]+)/([^/]+)"]


LSST = IMAGES["lsst"]["reference"]
SLOW = "Not pulled beforehand: may start slowly"


def on_nodes(reference: str, there: int) -> ImageOnNodes:
    return ImageOnNodes(reference=reference, title="t", bytes=7_900_000_000, eligible=12, there=there)


def labels(page: Form) -> dict[str, str]:
    """What a screen reader says of each choice of an image: the text of its label, by its value."""
    found = re.findall(r'(?s)<label class="jld-choice">(.*?)</label>', page.text)
    texts = {}
    for label in found:
        value = re.search(r'name="image"[^>]* value="([^"]*)"', label)
        if value:
            texts[value[1]] = " ".join(re.sub(r"<[^>]+>", " ", label).split())
    return texts


async def test_the_page_says_what_starts_slowly(images: Images, tmp_path: Path) -> None:
    before = form(images, given=Preselection(searches={"lsst": "w_2026_19"}))
    assert "nodes" not in before.text
    write_nodes(
        tmp_path,
        on_nodes("quay.io/jupyter/scipy-notebook:2026-11-02", 12),
        on_nodes("quay.io/big/lab:1", 7),
        on_nodes(f"{LSST}@{DIGEST}", 12),  # what the alias stands for
        on_nodes(f"{LSST}@sha256:{'b2' * 32}", 0),
        on_nodes(f"{LSST}:w_2026_20", 1),  # whose digest is not known
    )
    await images.refresh()
    page = form(images, given=Preselection(searches={"lsst": "w_2026_19"}))
    told = labels(page)
    assert page.values("image") == before.values("image")
    assert {value: text for value, text in told.items() if "node" not in text and SLOW not in text}.keys() == {
        "science",
        "lsst:recommended",
    }
    assert told["big"].endswith("On 7 of 12 nodes: may start slowly")
    assert told["lsst:w_2026_21"].endswith("On no node yet, 7.9 GB: the first start takes minutes")
    assert told["lsst:w_2026_20"].endswith("On 1 of 12 nodes: may start slowly")
    assert told["lsst:w_2026_19"].endswith(SLOW)  # found by the search
