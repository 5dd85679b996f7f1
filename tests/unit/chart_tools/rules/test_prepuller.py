"""What the prepuller's keys must say together, and with the images that it follows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jld.rules import resources
from jld.rules.images import prepuller
from jld.schema.chart import Chart
from jld.schema.validation import is_valid
from jld.secrets.self_signed import generate

SINGLE = {"python": {"reference": "quay.io/x/y:1"}}
SERIES = {"lab": {"reference": "quay.io/x/y", "tags": "semver", "newest": {"release": 1}}}
SCHEMA = Chart(Path(__file__).resolve().parents[4] / "chart").schema()
CERTIFICATE = generate("registry.example.org", datetime(2026, 5, 1, tzinfo=UTC)).authority.decode()


def said(rules: Any, images: Any, **keys: Any) -> dict[str, str]:
    effective = {"hub": {"lab": {"images": images}}, "prepuller": keys}
    return {".".join(map(str, path)): sentence for rule in rules for path, sentence in rule(effective)}


@pytest.mark.parametrize(
    ("images", "enabled", "broken"),
    [
        (SERIES, False, True),
        (SINGLE | SERIES, False, True),
        (SERIES, True, False),
        (SINGLE, False, False),
        ({}, False, False),
        ({"gone": None}, False, False),
        ("text", False, False),
        (SERIES, "no", False),  # the schema's matter
    ],
)
def test_a_series_needs_somebody_who_looks_for_its_tags(images: Any, enabled: Any, broken: bool) -> None:
    sentence = (
        "hub.lab.images.lab is a series, and nobody would look for its tags; remove this, or name one image by its tag "
        "in its place"
    )
    assert said(prepuller.RULES, images, enabled=enabled) == ({"prepuller.enabled": sentence} if broken else {})


@pytest.mark.parametrize("text", ["", "\n", CERTIFICATE, CERTIFICATE * 2, f"\n{CERTIFICATE}\n\n"])
def test_certificates_of_authorities(text: str) -> None:
    assert is_valid(text, SCHEMA["properties"]["prepuller"]["properties"]["certificateAuthorities"], SCHEMA)
    assert said(prepuller.RULES, SINGLE, certificateAuthorities=text) == {}


@pytest.mark.parametrize("damage", [lambda text: text.replace("M", "N"), lambda text: text[:60] + text[90:]])
def test_a_damaged_certificate_is_not_taken(damage: Any) -> None:
    assert said(prepuller.RULES, SINGLE, certificateAuthorities=CERTIFICATE + damage(CERTIFICATE)) == {
        "prepuller.certificateAuthorities": "a certificate in it cannot be read; copy all of them again"
    }


def test_a_key_is_no_certificate() -> None:
    pem = CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")

    assert not is_valid(pem, SCHEMA["properties"]["prepuller"]["properties"]["certificateAuthorities"], SCHEMA)
    assert not is_valid(
        CERTIFICATE + pem, SCHEMA["properties"]["prepuller"]["properties"]["certificateAuthorities"], SCHEMA
    )


@pytest.mark.parametrize(
    ("proxy", "taken"),
    [
        ("http://proxy.example.org:3128", True),
        ("https://10.0.0.9:65535", True),
        ("http://ann:pa55word@proxy.example.org:3128", False),
        ("http://proxy.example.org", False),
        ("http://proxy.example.org:65536", False),
        ("http://proxy.example.org:0", False),
        ("proxy:3128", False),
        ("socks5://proxy:1080", False),
    ],
)
def test_a_proxy_has_a_port_and_no_login(proxy: str, taken: bool) -> None:
    """A login would be a secret in a Deployment, and without a port no NetworkPolicy lets the controller through."""
    rule = SCHEMA["properties"]["prepuller"]["properties"]["proxy"]

    assert is_valid({"https": proxy, "except": []}, rule, SCHEMA) is taken


def test_keys_without_effect() -> None:
    proxy = {"https": "http://proxy:3128", "except": [".example.org"]}

    assert said(prepuller.WARNINGS, SINGLE, proxy=proxy, certificateAuthorities=CERTIFICATE) == {}
    assert said(prepuller.WARNINGS, {}, proxy=proxy).keys() == {"prepuller.proxy.https", "prepuller.proxy.except"}
    assert said(prepuller.WARNINGS, SINGLE, proxy={"https": "", "except": ["x"]}).keys() == {"prepuller.proxy.except"}


def test_requests_are_within_limits() -> None:
    amounts = {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "512Mi"}}

    assert said(resources.RULES, {}, resources=amounts).keys() == {"prepuller.resources.requests.memory"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"purge": "remove"}, ""),
        ({"purge": "report", "enabled": True, "nodesAtOnce": 10}, ""),
        ({"purge": "never", "enabled": False}, ""),
        ({"purge": "report", "enabled": False}, "nobody looks at nodes with prepuller.enabled: false; write never"),
        ({"purge": "remove", "nodesAtOnce": 0}, "nobody looks at nodes with prepuller.nodesAtOnce: 0; write never"),
    ],
)
def test_unwanted_images_are_looked_for_where_nodes_are(keys: dict[str, object], sentence: str) -> None:
    assert said(prepuller.RULES, SINGLE, **keys) == ({"prepuller.purge": sentence} if sentence else {})


@pytest.mark.parametrize(("purge", "broken"), [("never", True), ("report", True), ("remove", False)])
def test_a_socket_is_for_who_removes(purge: str, broken: bool) -> None:
    keys = {"purge": purge, "runtimeSocket": "/run/cri-dockerd.sock"}
    assert said(prepuller.WARNINGS, SINGLE, **keys).keys() == ({"prepuller.runtimeSocket"} if broken else set())


@pytest.mark.parametrize(
    ("path", "valid"),
    [
        ("", True),
        ("/run/cri-dockerd.sock", True),
        ("/var/snap/microk8s/common/run/containerd.sock", True),
        ("run/containerd.sock", False),
        ("/run/../etc/shadow", False),
        ("/run/", False),
        ("/run/a b", False),
        ("/run/a\n", False),
    ],
)
def test_a_socket_s_path_is_one(path: str, valid: bool) -> None:
    rule = SCHEMA["properties"]["prepuller"]["properties"]["runtimeSocket"]
    assert is_valid(path, rule, SCHEMA) is valid
