"""The front door's TLS, asked by testssl.sh, which knows what others have got wrong."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from rendering import Question, render
from test_front_door import HOSTNAME, needs_nginx, opened

Findings = dict[str, tuple[str, str]]  # what was looked for -> how bad it is, and what was found

pytestmark = [needs_nginx, pytest.mark.slow]

# Protocols, ciphers by strength, forward secrecy, the server's defaults, headers of the answer, known weaknesses. Left out is
# what is asked of other machines (--nodns), and one handshake for each of 370 ciphers, which the lists by strength stand for.
ASKED = ("-p", "-s", "-f", "-S", "-h", "-U")

# What is said of the tests' certificate, which is not of a known issuer and valid for a day. A site brings its own.
OF_THE_TESTS_CERTIFICATE = {
    "cert_chain_of_trust": "CRITICAL",
    "cert_expirationStatus": "HIGH",
    "cert_notAfter": "HIGH",
    "cert_revocation": "HIGH",
}
HARMLESS = ("OK", "INFO")
OF_THE_MACHINE = {
    "engine_problem",  # its OpenSSL has no GOST, which is not asked for
    "sessionresumption_ticket",  # it looks for a ticket of TLS 1.2, which the front door does not give
}


@contextmanager
def unsupported_is_skipped() -> Iterator[None]:
    try:
        yield
    except Unsupported as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def ask(values: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Findings]:
    """A function that starts the front door with changed values and returns what testssl.sh finds."""
    with unsupported_is_skipped():
        debian_packages.ensure(debian_packages.TLS, "the test of the front door's TLS")

    def asked(*changes: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> Findings:
        folder = tmp_path_factory.mktemp("tls")
        report = folder / "testssl.json"
        with opened(render(Question(values["local"], changes)), folder, key=key) as door:
            words = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"]
            address = f"https://{HOSTNAME}:{door.ports.https}/hub/home"
            done = subprocess.run(
                [*words, *ASKED, "--jsonfile", report, address],
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=900,
            )
        assert report.exists(), done.stdout[-2000:]
        return {each["id"]: (each["severity"], each["finding"]) for each in json.loads(report.read_text())}

    return asked


@pytest.fixture(scope="module")
def found(ask: Callable[..., Findings]) -> Findings:
    return ask()


def worrying(found: Findings) -> dict[str, str]:
    return {
        name: severity
        for name, (severity, _) in found.items()
        if severity not in HARMLESS and name not in OF_THE_MACHINE
    }


def test_only_the_tests_certificate_is_found_fault_with(found: Findings) -> None:
    assert worrying(found) == OF_THE_TESTS_CERTIFICATE


def test_tls_1_2_and_1_3_are_offered_and_nothing_older(found: Findings) -> None:
    protocols = ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3")
    offered = [name for name in protocols if found[name][1].startswith("offered")]
    assert offered == ["TLS1_2", "TLS1_3"]
    assert found["ALPN_HTTP2"] == ("OK", "h2")


def test_every_cipher_is_strong_and_keeps_the_past_secret(found: Findings) -> None:
    kinds = ("NULL", "aNULL", "EXPORT", "LOW", "3DES_IDEA", "AVERAGE", "STRONG")
    assert {kind for kind in kinds if found[f"cipherlist_{kind}"][1] == "offered"} == {"STRONG"}
    assert found["PFS"] == ("OK", "offered")
    assert set(found["PFS_ciphers"][1].split()) == {
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    }


def test_browsers_are_told_to_come_with_tls_for_two_years(found: Findings) -> None:
    severity, text = found["HSTS_time"]
    assert severity == "OK"
    assert "730 days" in text
    assert found["X-Content-Type-Options"] == ("OK", "nosniff")
    assert found["banner_server"][1] == "nginx"  # without its version


def test_known_weaknesses_were_looked_for(found: Findings) -> None:
    # Otherwise an empty report would be a good one.
    names = ("heartbleed", "ROBOT", "secure_client_renego", "CRIME_TLS", "SWEET32", "FREAK", "DROWN", "LOGJAM", "RC4")
    assert {name: found[name][0] for name in names} == dict.fromkeys(names, "OK")


def test_with_ciphers_for_programs_without_elliptic_curves_nothing_gets_weak(ask: Callable[..., Findings]) -> None:
    found = ask("nginx.tls.dhe=true", key=rsa.generate_private_key(65537, 2048))

    assert worrying(found) == OF_THE_TESTS_CERTIFICATE
    dhe = {cipher for cipher in found["PFS_ciphers"][1].split() if cipher.startswith("DHE-")}
    assert dhe == {"DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384"}
    assert "ffdhe2048" in found["DH_groups"][1]
