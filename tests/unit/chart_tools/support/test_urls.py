"""The addresses under which a site is reached."""

from __future__ import annotations

import pytest
from jld.support.urls import external_url, oauth_callback


@pytest.mark.parametrize(
    ("port", "address"), [(443, "https://jld.example.org"), (8443, "https://jld.example.org:8443")]
)
def test_the_port_is_named_when_browsers_would_not_assume_it(port: int, address: str) -> None:
    assert external_url("jld.example.org", port) == address
    assert oauth_callback("jld.example.org", port) == f"{address}/hub/oauth_callback"
    assert oauth_callback("jld.example.org", port, "/nb/") == f"{address}/nb/hub/oauth_callback"
