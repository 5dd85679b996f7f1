"""`nginx.tls.dhe`: TLS 1.2 without elliptic curves, where a site wants it and nowhere else."""

import base64
import ssl
from math import factorial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from rendering import CHART, Question, render
from test_front_door import FrontDoor, configuration, needs_nginx, opened

PARAMETERS = CHART / "charts/nginx/files/ffdhe2048.txt"


def test_the_parameters_are_those_of_rfc_7919() -> None:
    e = sum(2**2100 // factorial(step) for step in range(400))  # 2.718... times 2**2100
    prime = 2**2048 - 2**1984 + ((e >> (2100 - 1918)) + 560316) * 2**64 - 1
    # A sequence of two whole numbers in DER: the prime, and the generator 2.
    wanted = bytes.fromhex("308201080282010100") + prime.to_bytes(256) + bytes.fromhex("020102")
    assert base64.b64decode("".join(PARAMETERS.read_text().splitlines()[1:-1])) == wanted


def test_they_are_read_only_where_they_are_asked_for(values: dict[str, Path]) -> None:
    assert "ssl_dhparam" in configuration(values["everything"])
    for site in ("local", "minimal", "github"):
        assert "dhparam" not in configuration(values[site])
        assert ":DHE" not in configuration(values[site])


def shake_hands(door: FrontDoor, ciphers: str) -> str:
    """The cipher that a client gets which knows `ciphers` and no TLS 1.3."""
    context = door.trust()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with door.socket(context) as stream:
        cipher = stream.cipher()
        assert cipher
        return cipher[0]


@needs_nginx
def test_an_old_program_gets_in_and_the_others_go_on_with_curves(values: dict[str, Path], tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    with opened(render(Question(values["local"], ("nginx.tls.dhe=true",))), tmp_path, key=key) as door:
        assert shake_hands(door, "DHE-RSA-AES256-GCM-SHA384") == "DHE-RSA-AES256-GCM-SHA384"
        assert shake_hands(door, "DEFAULT").startswith("ECDHE-")


@needs_nginx
def test_without_it_an_old_program_stays_outside(values: dict[str, Path], tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    with opened(render(Question(values["local"])), tmp_path, key=key) as door, pytest.raises(ssl.SSLError):
        shake_hands(door, "DHE-RSA-AES256-GCM-SHA384")
