"""The site's own certificate authorities and the HTTP proxy: what may be written, and what has no effect."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jld.rules.outbound import authorities, proxy
from jld.schema.chart import Chart
from jld.schema.validator import is_valid
from jld.secrets.self_signed import generate

SCHEMA = Chart(Path(__file__).resolve().parents[4] / "chart").schema()
GLOBAL = SCHEMA["properties"]["global"]["properties"]
CERTIFICATE = generate("registry.example.org", datetime(2026, 5, 1, tzinfo=UTC)).authority.decode()
OPEN = {"hub": {"lab": {"network": {"egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.5/32"}}]}]}}}}


def said(rules: Any, more: Any = None, **keys: Any) -> dict[str, str]:
    effective = {"global": {"network": {"enabled": True}, **keys}, **(more or {})}
    return {".".join(map(str, path)): sentence for rule in rules for path, sentence in rule(effective)}


@pytest.mark.parametrize("text", ["", "\n", CERTIFICATE, CERTIFICATE * 2, f"\n{CERTIFICATE}\n\n"])
def test_certificates_of_authorities(text: str) -> None:
    assert is_valid(text, GLOBAL["certificateAuthorities"], SCHEMA)
    assert said(authorities.RULES, certificateAuthorities=text) == {}


@pytest.mark.parametrize("damage", [lambda text: text.replace("M", "N"), lambda text: text[:60] + text[90:]])
def test_a_damaged_certificate_is_not_taken(damage: Any) -> None:
    assert said(authorities.RULES, certificateAuthorities=CERTIFICATE + damage(CERTIFICATE)) == {
        "global.certificateAuthorities": "a certificate in it cannot be read; copy all of them again"
    }


def test_a_key_is_no_certificate() -> None:
    pem = CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")

    assert not is_valid(pem, GLOBAL["certificateAuthorities"], SCHEMA)
    assert not is_valid(CERTIFICATE + pem, GLOBAL["certificateAuthorities"], SCHEMA)


@pytest.mark.parametrize(
    ("address", "taken"),
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
def test_a_proxy_has_a_port_and_no_login(address: str, taken: bool) -> None:
    """A login would be a secret in a Deployment and in each lab, and without a port no NetworkPolicy lets anybody through."""
    assert is_valid({"https": address, "except": []}, GLOBAL["proxy"], SCHEMA) is taken


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("10.20.0.5", ""),
        ("proxy.example.org", ""),
        ("10.20.0.256", "10.20.0.256 is no address"),
        ("10.20.5", "10.20.5 is no address"),
        ("169.254.169.254", "a node's credentials"),
        ("100.100.100.200", "a node's credentials"),
    ],
)
def test_a_policy_can_name_the_proxy_and_opens_no_credentials(host: str, sentence: str) -> None:
    found = said(proxy.RULES, proxy={"https": f"http://{host}:3128"})

    assert (sentence in found["global.proxy.https"]) if sentence else (found == {})


@pytest.mark.parametrize(
    ("host", "more", "warned"),
    [
        ("proxy.example.org", {}, True),
        ("proxy.example.org", OPEN, False),
        ("10.20.0.5", {}, False),
    ],
)
def test_labs_cannot_reach_a_proxy_whose_address_nobody_says(host: str, more: Any, warned: bool) -> None:
    found = said(proxy.WARNINGS, more, proxy={"https": f"http://{host}:3128", "except": []})

    assert found.keys() == ({"global.proxy.https"} if warned else set())


def test_exceptions_without_a_proxy() -> None:
    assert said(proxy.WARNINGS, proxy={"https": "", "except": ["x"]}).keys() == {"global.proxy.except"}
