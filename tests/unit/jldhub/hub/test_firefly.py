"""What hub and labs are told about Firefly."""

from typing import Any

import pytest
from jldhub.hub.firefly import extra_routes
from jldhub.labs.environment import firefly_environment
from jldhub.settings.settings import Settings, SettingsError


def settings(document: dict[str, Any], firefly: object, port: int = 443) -> Settings:
    changed = {"global": {**document["global"], "port": port}, "names": {**document["names"], "firefly": firefly}}
    return Settings.parse(document | changed)


def test_without_it_nobody_is_told_anything(settings_document: dict[str, Any]) -> None:
    found = settings(settings_document, None)

    assert (extra_routes(found), firefly_environment(found)) == ({}, {})


@pytest.mark.parametrize(("port", "end"), [(443, ""), (8443, ":8443")])
def test_the_route_is_told_to_the_front_door_and_the_address_to_labs(
    settings_document: dict[str, Any], port: int, end: str
) -> None:
    document = {**settings_document, "global": {**settings_document["global"], "hubRoute": "/nb/"}}
    found = settings(document, {"route": "/portal/firefly", "url": "http://jld-firefly:8080"}, port)

    assert extra_routes(found) == {"/portal/firefly/": "http://jld-firefly:8080"}
    assert firefly_environment(found) == {
        "FIREFLY_URL": f"https://{found.site.hostname}{end}/portal/firefly",
        "FIREFLY_ROUTE": "/portal/firefly",
        "FIREFLY_HTML": "slate.html",
    }


@pytest.mark.parametrize(
    "firefly",
    [
        {"route": "firefly", "url": "http://x:1"},
        {"route": "/firefly/", "url": "http://x:1"},
        {"route": "/firefly", "url": "x:1"},
        {"route": "/firefly"},
        {"route": "/firefly", "url": "http://x:1", "more": 1},
    ],
)
def test_what_is_no_way_stops_the_hub(settings_document: dict[str, Any], firefly: object) -> None:
    with pytest.raises(SettingsError, match="firefly"):
        settings(settings_document, firefly)
