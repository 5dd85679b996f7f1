"""Failures of other prepullers, as their users reported them: each is tried here."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import yaml
from jlddev.support.paths import CHECKOUT
from jldhub.images.catalogue import Catalogue, ImageState
from jldhub.images.prepuller.pods import Outcome, Pull, pull_pod, read_pod
from jldhub.images.prepuller.wanted import wanted_images
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series
from jldhub.settings.lab import Lab, PodSettings

from .test_plan import NAMES
from .world import LAB_LABELS, OWN, START, Kubelet, World, digest, image, lab_names, node

HOUR = timedelta(hours=1)
NAMES_OF_SITE = lab_names(NAMES)


def world(number: int = 3, images: int = 2, **kubelet: Any) -> World:
    kubelets = [Kubelet(f"n{each}", START - each * HOUR, **kubelet) for each in range(number)]
    return World(kubelets, [image(each) for each in range(images)], NAMES_OF_SITE)


def test_an_upgrade_waits_for_nothing() -> None:
    """zero-to-jupyterhub#1760, #1787, jupyterhub#2806: a hook waited for a DaemonSet, and the upgrade timed out."""
    folders = [CHECKOUT / "chart/templates/prepuller", CHECKOUT / "chart/charts/prepuller/templates"]
    templates = [file.read_text() for folder in folders for file in folder.rglob("*.yaml")]
    assert len(templates) > 5
    assert [text for text in templates if "helm.sh/hook" in text or "kind: Job" in text] == []


def test_no_place_for_a_pod_is_taken_for_ever() -> None:
    """zero-to-jupyterhub#526, #1790: a puller that stays on each node is one pod less of the 110, or of an interface's addresses."""
    assert not any("DaemonSet" in file.read_text() for file in (CHECKOUT / "chart").rglob("*prepull*/**/*.yaml"))
    done = world()
    done.turn(HOUR)
    assert done.created
    assert done.pods == {}


def test_one_image_that_fails_holds_up_no_other() -> None:
    """zero-to-jupyterhub's init containers pull one after the other."""
    broken = world(refuses={image(0).runnable: "not found"})
    broken.turn(HOUR)
    assert broken.missing() == {(name, image(0).runnable) for name in broken.kubelets}


def test_nothing_is_pulled_again_at_each_upgrade() -> None:
    """zero-to-jupyterhub#1814, #2066, #2172, #2179: each upgrade pulled everything, or the chart had to look up what was there."""
    upgraded = world()
    upgraded.turn(HOUR)
    before = len(upgraded.created)
    for _ in range(5):
        upgraded.restart()
        upgraded.turn(HOUR)
    assert len(upgraded.created) == before


def test_tags_are_those_of_now_and_not_of_the_last_upgrade() -> None:
    """zero-to-jupyterhub pulls what stood in the values when the chart was rendered."""
    series = {"reference": "x.org/lab", "tags": "lsst", "newest": {"weekly": 1}}
    lab = Lab.model_validate(
        {
            "images": {"lab": series},
            "defaultImage": "lab",
            "sizes": {"small": {"cpu": 1, "memory": "1Gi"}},
            "defaultSize": "small",
        }
    )

    def first(*tags: str) -> str:
        state = ImageState(reference="x.org/lab", tags=list(tags), checked=START)
        return wanted_images(lab, NAMES_OF_SITE, Catalogue(images={"lab": state}))[0].title

    assert (first("w_2026_20"), first("w_2026_20", "w_2026_21")) == ("lab:w_2026_20", "lab:w_2026_21")


def test_nothing_is_pulled_where_labs_do_not_start() -> None:
    """Nublado's missing_images_by_node does not leave out the nodes that it marks as ineligible."""
    cordoned = world(changes={"unschedulable": True})
    cordoned.turn(HOUR)
    assert cordoned.created == []


def test_an_image_with_several_digests_is_known_by_each() -> None:
    """Nublado looks at the first digest of a node's image alone."""
    names = [f"x.org/lab@{digest(9)}", image(3).runnable, "x.org/lab:other"]
    assert image(3).is_on(node(images=[{"names": names, "sizeBytes": 1}]))


def test_the_tenth_candidate_is_newer_than_the_second() -> None:
    """Nublado's order puts rc2 above rc10, so that the older one is pulled."""
    series = Series.read(["r29_1_0_rc2", "r29_1_0_rc10"], grammar("lsst"))
    assert series.newest("candidate", 1)[0].name == "r29_1_0_rc10"


@pytest.mark.parametrize("reason", ["StartError", "ContainerCannotRun"])
def test_an_image_without_a_shell_is_pulled(reason: str) -> None:
    """eclipse/che#16689, #17313, warm-image#3, kube-fledged#176: a helper that is copied into the image does not run in it."""
    state = {"terminated": {"reason": reason, "exitCode": 128}}
    pod = pull_pod(image(1), node(), NAMES_OF_SITE, OWN, "an-uid", PodSettings())
    pod["metadata"] |= {"uid": "u", "creationTimestamp": START.isoformat()}
    pod["status"] = {"phase": "Failed", "containerStatuses": [{"state": state, "imageID": "x"}]}
    read = read_pod(pod, OWN, LAB_LABELS)
    assert isinstance(read, Pull)
    assert read.outcome is Outcome.PULLED


def test_no_other_image_is_needed_for_a_pull() -> None:
    """kube-fledged#90: the helper's own image met the limits of Docker Hub."""
    (container,) = pull_pod(image(1), node(), NAMES_OF_SITE, OWN, "an-uid", PodSettings())["spec"]["containers"]
    assert container["image"] == image(1).runnable


def test_a_tag_that_moved_is_pulled() -> None:
    """kruise#1814: with a moved tag nothing was pulled."""
    moved = world(images=1)
    moved.turn(HOUR)
    moved.wanted = [image(1)]  # the same repository, with the digest of now
    moved.turn(HOUR)
    assert moved.missing() == set()


def test_a_pull_secret_of_the_labs_is_the_one_of_the_pull() -> None:
    """kruise#2221, #2258, and KEP-2535: an image that was pulled with another login is not a lab's to use."""
    spec = pull_pod(image(1), node(), NAMES_OF_SITE, OWN, "an-uid", PodSettings())["spec"]
    assert spec["imagePullSecrets"] == [{"name": name} for name in NAMES_OF_SITE.image_pull_secrets] != []


def test_nothing_goes_round_in_circles_with_the_kubelet() -> None:
    """mybinder.org-deploy#721, #773: what cleaned up and what pulled worked against each other."""
    full = world(1, 1)
    for _ in range(6 * 20):
        full.turn(timedelta(minutes=5))
        full.kubelets["n0"].images.clear()
    assert max(Counter(reference for *_, reference in full.created).values()) == 3


def test_the_prepuller_brings_its_own_account() -> None:
    """cal-itp/data-infra#4744: the hook's ServiceAccount was missing."""
    template = (CHECKOUT / "chart/templates/prepuller/deployment.yaml").read_text()
    assert 'serviceAccountName: {{ include "jld.name" (list . "prepuller") }}' in template
    assert (CHECKOUT / "chart/templates/prepuller/serviceaccount.yaml").exists()
    assert yaml.safe_load((CHECKOUT / "chart/charts/prepuller/values.yaml").read_text())["enabled"] is True
