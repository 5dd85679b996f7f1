"""A site with a series, a single image, and the names that the chart gives."""

from typing import Any

from jldhub.images.catalogue import Catalogue, ImageState
from jldhub.images.prepuller.settings import PurgeNames
from jldhub.images.prepuller.wanted import wanted_images
from jldhub.images.purging.report import Ours
from jldhub.settings.lab import Lab

from ..prepuller.test_plan import NAMES
from ..prepuller.world import digest, lab_names

LAB = "registry.example.org/lab"
SINGLE = "quay.io/jupyter/scipy-notebook"
OWN_LAB, HUB = "localhost/jld/lab", "localhost/jld/hub"
PURGE = PurgeNames.model_validate(
    {
        "namespace": "science-jld-purge",
        "pod": "jld-purge",
        "labels": {"app.kubernetes.io/instance": "jld", "app.kubernetes.io/component": "purge"},
        "serviceAccount": "jld-purge",
        "python": "jld-purge-python",
    }
)
SERIES: dict[str, Any] = {
    "reference": LAB,
    "tags": "lsst",
    "newest": {"weekly": 1},
    "pins": ["w_2025_10"],
    "recommended": "recommended",
}
# What the registry tells: w_2026_21 is the newest, and recommended.
TAGS = {"recommended": digest(21), "w_2026_21": digest(21), "w_2026_20": digest(20), "w_2025_10": digest(10)}
STATE = ImageState(reference=LAB, tags=[*TAGS], digests=TAGS)
ONE = ImageState(reference=f"{SINGLE}:1", digests={"1": digest(1)})


def ours(
    series: dict[str, Any] | None = None,
    state: ImageState | None = STATE,
    single: ImageState | None = ONE,
    images: bool = True,
) -> Ours:
    document: dict[str, Any] = {"sizes": {"small": {"cpu": 1, "memory": "2Gi"}}, "defaultSize": "small"}
    if images:
        listed = {"lsst": SERIES | (series or {}), "science": {"reference": f"{SINGLE}:1"}}
        document |= {"images": listed, "defaultImage": "science"}
    lab, names = Lab.model_validate(document), lab_names(NAMES)
    states = {"lsst": state, "science": single}
    catalogue = Catalogue(images={name: each for name, each in states.items() if each})
    return Ours.of(lab, names, catalogue, wanted_images(lab, names, catalogue))
