"""`hub.lab.repositories`, which become words of a variable and folders of a home."""

from typing import Any

import pytest
from jldhub.settings.lab import Lab

LAB: dict[str, Any] = {"sizes": {"small": {"cpu": 1, "memory": "1Gi"}}, "defaultSize": "small"}


def test_addresses_with_and_without_a_branch() -> None:
    listed = ["https://github.com/my-org/tutorials.git@feature/one", "https://example.org:8443/~ada/x"]
    assert Lab.model_validate(LAB | {"repositories": listed}).repositories == listed


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://example.org/x",
            "git@github.com:x/y.git",
            "file:///etc",
            "ssh://example.org/x",
            "https://example.org",
        ),
        *("https://ada:secret@example.org/x", "https://example.org/x --upload-pack=sh", "https://example.org/x@-b"),
        *(
            "https://example.org/x\nhttps://b/y",
            "https://example.org/{username}",
            "https://example.org/$(id)",
            "",
            None,
            7,
        ),
        *("https://example.org/" + "x/" * 3, "https://example.org/x/..", "https://example.org/.git"),
        "https://example.org/x@" + "y" * 300,
    ],
)
def test_what_is_no_address_of_a_repository_is_a_mistake(address: Any) -> None:
    with pytest.raises(ValueError, match="is no repository; write its address and a branch"):
        Lab.model_validate(LAB | {"repositories": [address]})


def test_two_in_one_folder_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="repositories names 'demo' twice"):
        Lab.model_validate(LAB | {"repositories": ["https://a.example/Demo.git@x", "https://b.example/y/demo"]})
