"""What people are told while a node pulls their lab's image."""

from typing import Any

import pytest
from jldhub.images.nodes import ImageOnNodes
from jldhub.labs.start.pulling import pull_told

KNOWN = {
    "quay.io/a/big:1": ImageOnNodes(reference="quay.io/a/big:1", title="big", bytes=7_900_000_000),
    "quay.io/a/new:1": ImageOnNodes(reference="quay.io/a/new:1", title="new"),
}
END = ": it was not there yet. This can take some minutes."


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            {"reason": "Pulling", "message": 'Pulling image "quay.io/a/big:1"'},
            f"The image big is being pulled to the node, 7.9 GB{END}",
        ),
        (
            {"reason": "Pulling", "message": 'Pulling image "quay.io/a/new:1"'},
            f"The image new is being pulled to the node{END}",
        ),
        (
            {"reason": "Pulling", "message": 'Pulling image "quay.io/a/unknown:1"'},
            f"The image is being pulled to the node{END}",
        ),
        ({"reason": "Pulling", "message": "of another wording"}, f"The image is being pulled to the node{END}"),
        (
            {"reason": "Pulling", "message": f'Pulling image "{"x" * 9000}"'},
            f"The image is being pulled to the node{END}",
        ),
        ({"reason": "Pulling", "message": None}, f"The image is being pulled to the node{END}"),
        ({"reason": "Pulling"}, f"The image is being pulled to the node{END}"),
        ({"reason": "Pulled", "message": 'Container image "quay.io/a/big:1" already present on machine'}, ""),
        ({"reason": "Scheduled", "message": 'Pulling image "quay.io/a/big:1"'}, ""),
        ({"reason": None}, ""),
        ({}, ""),
    ],
)
def test_the_event_of_a_pull_is_told_with_what_is_known_of_the_image(event: dict[str, Any], sentence: str) -> None:
    assert pull_told(event, KNOWN.get) == sentence
