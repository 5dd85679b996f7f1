"""The catalogue, as the hub finds it in its pod."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jldhub.images.catalogue import FILE, LARGEST, Catalogue, CatalogueError, ImageState

from .conftest import DIGEST, LabImages, lsst_state, write_catalogue


async def test_a_new_file_is_read_and_the_same_one_is_not(
    lab_images: LabImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = lab_images()
    read = []
    unpack = Catalogue.unpack
    monkeypatch.setattr(Catalogue, "unpack", lambda packed: read.append(len(packed)) or unpack(packed))
    write_catalogue(tmp_path, lsst=lsst_state(tags=["w_2026_20"]))
    await asyncio.gather(*(images.catalogue.refresh() for _ in range(20)))
    assert [tag.name for tag in images.series("lsst").series.tags] == ["w_2026_20"]
    write_catalogue(tmp_path, lsst=lsst_state(tags=["w_2026_20", "w_2026_21"]))
    await images.catalogue.refresh()
    await images.catalogue.refresh()
    assert [tag.name for tag in images.series("lsst").series.tags] == ["w_2026_21", "w_2026_20"]
    assert len(read) == 2


async def test_the_same_tags_are_not_put_in_order_again(lab_images: LabImages, tmp_path: Path) -> None:
    images = lab_images()
    write_catalogue(tmp_path, lsst=lsst_state())
    await images.catalogue.refresh()
    before = images.series("lsst")
    later = datetime(2036, 1, 2, tzinfo=UTC)
    write_catalogue(tmp_path, lsst=lsst_state(checked=later, trouble="It is down"))
    await images.catalogue.refresh()
    after = images.series("lsst")
    assert (after.checked, after.trouble) == (later, True)
    assert after.series is before.series


@pytest.mark.parametrize(
    "broken",
    [b"", b"not gzip", Catalogue(images={"lsst": lsst_state()}).pack()[:-20], b"\x1f\x8b" + b"x" * 100],
)
async def test_a_file_that_cannot_be_read_changes_nothing(
    lab_images: LabImages, tmp_path: Path, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    images = lab_images()
    write_catalogue(tmp_path, lsst=lsst_state())
    await images.catalogue.refresh()
    known = images.catalogue.images
    (tmp_path / "new").write_bytes(broken)
    (tmp_path / "new").replace(tmp_path / FILE)
    await images.catalogue.refresh()
    assert images.catalogue.images is known
    assert "is left as it was" in caplog.text
    (tmp_path / FILE).unlink()
    await images.catalogue.refresh()
    assert images.catalogue.images is known
    write_catalogue(tmp_path, lsst=lsst_state(tags=["w_2026_20"]))
    await images.catalogue.refresh()
    assert [tag.name for tag in images.series("lsst").series.tags] == ["w_2026_20"]


async def test_a_folder_that_the_kubelet_exchanges_is_read_anew(lab_images: LabImages, tmp_path: Path) -> None:
    images = lab_images()
    for number, tag in enumerate(["w_2026_20", "w_2026_21"]):
        folder = tmp_path / f"..{number}"
        folder.mkdir()
        write_catalogue(folder, lsst=lsst_state(tags=[tag]))
        os.utime(folder / FILE, (1, 1))
        (tmp_path / "..new").symlink_to(folder)
        (tmp_path / "..new").replace(tmp_path / "..data")
        if not (tmp_path / FILE).is_symlink():
            (tmp_path / FILE).symlink_to(Path("..data") / FILE)
        await images.catalogue.refresh()
        assert [each.name for each in images.series("lsst").series.tags] == [tag]


async def test_of_another_repository_nothing_is_known(lab_images: LabImages, tmp_path: Path) -> None:
    images = lab_images()
    write_catalogue(
        tmp_path, lsst=lsst_state(reference="docker.io/lsstsqre/old-lab"), gone=ImageState(reference="quay.io/a/b:1")
    )
    await images.catalogue.refresh()
    assert images.series("lsst").checked is None
    assert {tag.name for tag in images.series("lsst").series.tags} == {"recommended", "w_2026_12"}


def test_a_catalogue_is_the_same_after_it_was_packed() -> None:
    catalogue = Catalogue(images={"lsst": lsst_state()})
    assert Catalogue.unpack(catalogue.pack()) == catalogue
    assert catalogue.pack() == catalogue.pack()


def test_what_is_no_tag_and_no_digest_is_left_out() -> None:
    state = ImageState(
        reference="quay.io/a/b", tags=["good", "-bad", "a b"], digests={"good": DIGEST, "x": "sha256:1", "y z": DIGEST}
    )
    read = Catalogue.unpack(Catalogue(images={"lsst": state}).pack()).images["lsst"]
    assert (read.tags, read.digests) == (["good"], {"good": DIGEST})


def test_a_catalogue_that_no_configmap_holds_is_not_packed() -> None:
    tags = [os.urandom(60).hex() for _ in range(20_000)]
    with pytest.raises(CatalogueError, match=f"bytes are more than the {LARGEST} that a ConfigMap holds"):
        Catalogue(images={"lsst": lsst_state(tags=tags)}).pack()
