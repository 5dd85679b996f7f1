"""Whether nodes find JLD's own images in the registry that a site names."""

from __future__ import annotations

from typing import Any

import pytest
from jld.rules.images import registry
from jld.rules.images.registry import OWN

GITHUB: dict[str, Any] = {"github": {}}


def said(
    rules: Any, of: str = "localhost/jld", host: str = "jupyter.example.org", auth: Any = None, **image: str
) -> dict[str, str]:
    effective = {
        "global": {"hostname": host, "imageRegistry": of},
        "hub": {"auth": auth or GITHUB, "lab": {"image": {"repository": "lab-science", "tag": "", **image}}},
    }
    return {".".join(map(str, path)): sentence for rule in rules for path, sentence in rule(effective)}


@pytest.mark.parametrize(
    ("of", "host", "auth", "warned"),
    [
        ("localhost/jld", "jupyter.example.org", GITHUB, True),
        ("localhost/jld", "jupyter.example.org", {"cilogon": {}}, True),
        ("ghcr.io/my-org", "jupyter.example.org", GITHUB, False),
        ("localhost:32000/jld", "jupyter.example.org", GITHUB, False),  # a registry on each node, as microk8s has
        ("localhost/jld", "jld.localhost", GITHUB, False),
        ("localhost/jld", "localhost", GITHUB, False),
        ("localhost/jld", "jupyter.example.org", {"dummy": {"users": ["alice"]}}, False),
        ("localhost/jld", "", GITHUB, False),  # which is told already
    ],
)
def test_a_site_for_more_than_one_machine_names_the_registry(of: str, host: str, auth: Any, warned: bool) -> None:
    found = said(registry.WARNINGS_OF_WHAT_IS_MISSING, of, host, auth)
    assert found.keys() == ({"global.imageRegistry"} if warned else set())


SCIPY = "quay.io/jupyter/scipy-notebook"


@pytest.mark.parametrize(
    ("of", "image", "refused", "warned"),
    [
        ("localhost/jld", {"repository": SCIPY}, True, False),
        ("localhost/jld", {"repository": SCIPY, "tag": "2026-11-02"}, True, False),
        ("ghcr.io/my-org", {"repository": SCIPY}, True, False),
        ("ghcr.io/my-org", {"repository": SCIPY, "tag": "2026-11-02"}, False, True),  # a mirror may have it there
        ("ghcr.io/my-org", {"repository": "docker.io/library/python", "tag": "3"}, False, True),
        ("ghcr.io/my-org", {"repository": "localhost/jld/lab", "tag": "3"}, False, True),
        ("ghcr.io/my-org", {"repository": "platform/lab", "tag": "3"}, False, False),
        ("ghcr.io/my-org", {"repository": "lab.science"}, False, False),
        ("ghcr.io/my-org", {"repository": "v1.2/lab"}, False, False),
    ],
)
def test_an_image_of_another_registry_is_not_below_ones_own(
    of: str, image: dict[str, str], refused: bool, warned: bool
) -> None:
    for rules, told in ((registry.RULES, refused), (registry.WARNINGS, warned)):
        found = said(rules, of, **image)
        assert found.keys() == ({"hub.lab.image.repository"} if told else set())
        assert all(f"so nodes pull {of}/{image['repository']}:" in sentence for sentence in found.values())
        assert all("write an image of another registry in hub.lab.images" in sentence for sentence in found.values())


@pytest.mark.parametrize("path", OWN, ids=".".join)
def test_each_of_jlds_own_images_is_below_the_registry(path: tuple[str, ...]) -> None:
    effective: dict[str, Any] = {"global": {"imageRegistry": "localhost/jld"}}
    place = effective
    for part in path:
        place = place.setdefault(part, {})
    place |= {"repository": SCIPY, "tag": ""}
    assert [found for rule in registry.RULES for found, _ in rule(effective)] == [(*path, "repository")]
