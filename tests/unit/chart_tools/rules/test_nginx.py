"""Warnings about the front door."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from jld.schema.chart import Chart
from jld.values.assembly import Sources, assemble

CHECKOUT = Path(__file__).resolve().parents[4]
SERVICE = "tls: {selfSigned: true}"
INGRESS = "mode: ingress, tls: {selfSigned: true}"
CONTROLLER = "controllers: [{namespace: traefik}]"


def warned(folder: Path, keys: str) -> list[str]:
    """What the tool warns of, of trusted proxies."""
    site = folder / "site.yaml"
    site.write_text(
        f"global: {{hostname: jupyter.example.org}}\nhub: {{auth: {{dummy: {{users: [ada]}}}}}}\nnginx: {{{keys}}}\n"
    )
    found = assemble(Sources([site], environment={}), Chart(CHECKOUT / "chart"), datetime.now(UTC)).warnings
    return [each.sentence for each in found if each.key.startswith("nginx.trustedProxies")]


WHOLE = ["10.0.0.0/8", "8.0.0.0/6", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "0.0.0.0/0", "fc00::/7", "::/0"]
PARTS = ["10.128.0.0/20", "192.0.2.0/24", "203.0.113.7/32", "172.16.0.0/13", "2001:db8::/32", "fd12:1::/48"]


@pytest.mark.parametrize("network", WHOLE)
def test_a_network_that_has_the_labs_in_it_is_warned_of(tmp_path: Path, network: str) -> None:
    (sentence,) = warned(tmp_path, f'{SERVICE}, trustedProxies: ["{network}"]')
    assert sentence.startswith(f"{network} holds a whole private range, so that a lab there is believed")
    (sentence,) = warned(tmp_path, f'{INGRESS}, trustedProxies: ["{network}"]')
    assert sentence.endswith("; name the controller's pods in nginx.controllers")


@pytest.mark.parametrize("network", WHOLE)
def test_behind_a_controller_that_is_named_nobody_else_comes(tmp_path: Path, network: str) -> None:
    assert warned(tmp_path, f'{INGRESS}, {CONTROLLER}, trustedProxies: ["{network}"]') == []


@pytest.mark.parametrize("network", PARTS)
def test_a_network_of_somebodys_own_is_not(tmp_path: Path, network: str) -> None:
    assert warned(tmp_path, f'{SERVICE}, trustedProxies: ["{network}"]') == []
