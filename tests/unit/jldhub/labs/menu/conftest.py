"""Images of a site, with a catalogue as the controller writes it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jldhub.images.catalogue import FILE, Catalogue, ImageState
from jldhub.images.nodes import FILE as NODES_FILE
from jldhub.images.nodes import ImageOnNodes, NodesState
from jldhub.labs.menu.images import Images
from jldhub.settings.lab import Lab
from jldhub.settings.settings import Settings

DIGEST = "sha256:" + "a1" * 32
IMAGES: dict[str, Any] = {
    "science": {
        "reference": "quay.io/jupyter/scipy-notebook:2026-11-02",
        "title": "Python for science",
        "description": "SciPy",
    },
    "lsst": {
        "reference": "docker.io/lsstsqre/sciplat-lab",
        "title": "LSST stack",
        "tags": "lsst",
        "newest": {"release": 1, "weekly": 2, "daily": 1},
        "pins": ["w_2026_12"],
        "recommended": "recommended",
    },
    "staff": {"reference": f"registry.example.org:5000/staff/lab@{DIGEST}", "groups": ["lsst-sqre:friends"]},
    "big": {"reference": "quay.io/big/lab:1", "sizes": ["large"]},
}
TAGS = ["recommended", "r29_2_0", "r29_1_0", "w_2026_21", "w_2026_20", "w_2026_19", "w_2026_12", "d_2026_05_27", "dev"]

LabImages = Callable[..., Images]


@pytest.fixture
def lab_images(settings: Settings, tmp_path: Path) -> LabImages:
    """The images of a site with these keys of `hub.lab`; the catalogue goes to `tmp_path`."""

    def make(**keys: Any) -> Images:
        document = settings.hub.lab.model_dump(by_alias=True, mode="json", include={"default_size"}) | {
            "sizes": {"small": {"cpu": 1, "memory": "2Gi"}, "large": {"cpu": 4, "memory": "8Gi"}},
            "images": IMAGES,
            "defaultImage": "science",
            "typedImages": {"groups": ["lsst"], "allow": ["quay.io/jupyter/*", "ghcr.io/my-org/lab:*"]},
        }
        lab = Lab.model_validate(document | keys)
        hub = settings.hub.model_copy(update={"lab": lab})
        return Images(settings.model_copy(update={"hub": hub, "catalogue_directory": tmp_path}))

    return make


def write_catalogue(folder: Path, **states: ImageState) -> None:
    """As the kubelet does: the file is another one afterwards."""
    new = folder / "new"
    new.write_bytes(Catalogue(images=states).pack())
    new.replace(folder / FILE)


def lsst_state(**changes: Any) -> ImageState:
    digests = {"recommended": DIGEST, "r29_2_0": DIGEST, "w_2026_21": "sha256:" + "b2" * 32}
    state = {"reference": IMAGES["lsst"]["reference"], "tags": TAGS, "digests": digests, "checked": datetime.now(UTC)}
    return ImageState.model_validate(state | changes)


def write_nodes(folder: Path, *images: ImageOnNodes, written: datetime | None = None) -> None:
    new = folder / "new"
    new.write_bytes(NodesState(written=written or datetime.now(UTC), images=list(images)).pack())
    new.replace(folder / NODES_FILE)
