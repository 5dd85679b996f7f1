"""The front door's certificate: what is refused, and the one for local trials."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from jld.secrets import self_signed
from jld.secrets.authority import VALIDITY
from jld.secrets.certificates import Fault, Pair, covers, faults
from jld.secrets.self_signed import still_serves

from ..conftest import pem

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOST = "jupyter.localhost"
SITE = """\
global: {hostname: jupyter.localhost}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {certificate: tls/cert.pem, key: tls/key.pem}}
"""


def made(names: list[str], start: datetime = NOW, days: int = 90) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False)
    certificate = builder.sign(key, hashes.SHA256())
    return Pair(
        certificate.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


GOOD = made([HOST])
OTHER = made([HOST])


def locked(pem: bytes) -> bytes:
    key = load_pem_private_key(pem, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))


def test_a_good_certificate_raises_no_objection() -> None:
    assert list(faults(GOOD, HOST, NOW)) == []


@pytest.mark.parametrize(
    ("pair", "finding"),
    [
        (
            Pair(GOOD.certificate, OTHER.key),
            Fault("key", "the key does not belong to the certificate; name the key that the certificate was made with"),
        ),
        (
            Pair(OTHER.certificate + GOOD.certificate, GOOD.key),
            Fault(
                "certificate",
                "the server's own certificate is not the first in the file; put it above its chain",
            ),
        ),
        (
            made(["lab.example.org"]),
            Fault("certificate", f"it is for lab.example.org, not for {HOST}; get one that names {HOST}"),
        ),
        (made([]), Fault("certificate", f"it is for no DNS name, not for {HOST}; get one that names {HOST}")),
        (
            made([HOST], NOW - timedelta(days=90)),
            Fault("certificate", "it expired on 2026-11-22; get a new one"),
        ),
        (
            made([HOST], NOW + timedelta(hours=1)),
            Fault("certificate", "it is valid only from 2026-11-22 13:00 UTC; wait, or set this machine's clock"),
        ),
        (
            made([HOST], NOW, 29),
            Fault("certificate", "it expires on 2026-12-21, in 29 days; get a new one soon", warning=True),
        ),
        (
            Pair(GOOD.certificate, locked(GOOD.key)),
            Fault(
                "key", "the key needs a pass phrase, which nobody can type into a pod; remove it with `openssl pkey`"
            ),
        ),
        (
            Pair(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", GOOD.key),
            Fault("certificate", "the certificate in this file is damaged; copy it again"),
        ),
        (
            Pair(GOOD.certificate, pem("AAAA").encode()),
            Fault("key", "the key in this file is damaged or of an unknown kind; copy it again"),
        ),
        (
            Pair(b"\x30\x82", GOOD.key),
            Fault("certificate", "not a PEM file; the first line of one is BEGIN CERTIFICATE between dashes"),
        ),
        (
            Pair(GOOD.certificate, b"\x30\x82"),
            Fault("key", "not a PEM file; the first line of one is BEGIN PRIVATE KEY between dashes"),
        ),
    ],
)
def test_what_is_wrong_with_a_pair_is_a_sentence(pair: Pair, finding: Fault) -> None:
    assert list(faults(pair, HOST, NOW)) == [finding]


def test_swapped_files_are_recognised() -> None:
    assert [finding.sentence for finding in faults(Pair(GOOD.key, GOOD.certificate), HOST, NOW)] == [
        "this file holds a private key; name the certificate here, and the key beside it as `key`",
        "this file holds a certificate; name the private key here, and the certificate beside it as `certificate`",
    ]


@pytest.mark.parametrize(
    ("name", "hostname", "covered"),
    [
        ("jupyter.example.org", "jupyter.example.org", True),
        ("JUPYTER.example.org", "jupyter.example.org", True),
        ("*.example.org", "jupyter.example.org", True),
        ("*.example.org", "a.jupyter.example.org", False),
        ("*.example.org", "example.org", False),
        ("*", "localhost", False),
        ("example.org", "jupyter.example.org", False),
    ],
)
def test_a_certificate_covers_what_browsers_accept(name: str, hostname: str, covered: bool) -> None:
    assert covers(x509.load_pem_x509_certificate(made([name]).certificate), hostname) is covered


def test_a_self_signed_certificate_is_one_that_browsers_accept_once_they_trust_the_authority() -> None:
    signed = self_signed.generate("jld.localhost", NOW)
    assert list(faults(Pair(signed.pair.certificate + signed.authority, signed.pair.key), "jld.localhost", NOW)) == []
    certificate = x509.load_pem_x509_certificate(signed.pair.certificate)
    authority = x509.load_pem_x509_certificate(signed.authority)
    certificate.verify_directly_issued_by(authority)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == VALIDITY == timedelta(days=825)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True
    assert authority.public_key() != certificate.public_key()


def test_a_self_signed_certificate_is_kept_as_long_as_it_serves() -> None:
    signed = self_signed.generate("jld.localhost", NOW)
    assert still_serves(signed, "jld.localhost", NOW + timedelta(days=824))
    assert not still_serves(signed, "jld.localhost", NOW + timedelta(days=825))
    assert not still_serves(signed, "other.localhost", NOW)
    stranger = self_signed.generate("jld.localhost", NOW)
    assert not still_serves(type(signed)(signed.pair, stranger.authority), "jld.localhost", NOW)
    assert not still_serves(type(signed)(signed.pair, b"damaged"), "jld.localhost", NOW)


def test_a_new_host_name_brings_a_new_self_signed_certificate_and_keeps_the_other_secrets(local_desk: Any) -> None:
    local_desk.run("values", "site.yaml")
    before = local_desk.read()
    local_desk.write("more.yaml", "global: {hostname: other.localhost}\n")
    assert "Generated nginx.secret" in local_desk.run("values", "site.yaml", "more.yaml").stdout
    after = local_desk.read()
    assert after["hub"]["secret"] == before["hub"]["secret"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(after["nginx"]["secret"]["certificate"]))
    assert covers(certificate, "other.localhost")


class Authorities:
    """A root, an intermediate authority, and a server's certificate that it issued."""

    def __init__(self, intermediate_days: int = 900) -> None:
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        names = [
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("Root", "Intermediate", "Server")
        ]
        self.pem = []
        for index, days in enumerate((900, intermediate_days, 90)):
            issuer = max(index - 1, 0)
            builder = (
                x509.CertificateBuilder()
                .subject_name(names[index])
                .issuer_name(names[issuer])
                .public_key(keys[index].public_key())
                .serial_number(index + 1)
                .not_valid_before(NOW - timedelta(days=800))
                .not_valid_after(NOW + timedelta(days=days))
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
            )
            self.pem.append(builder.sign(keys[issuer], hashes.SHA256()).public_bytes(Encoding.PEM))
        self.root, self.intermediate, self.server = self.pem
        self.key = keys[2].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def said(self, *certificates: bytes) -> list[Fault]:
        return list(faults(Pair(b"".join(certificates), self.key), HOST, NOW))


def test_a_chain_in_order_raises_no_objection_with_or_without_its_root() -> None:
    made_by = Authorities()
    assert made_by.said(made_by.server, made_by.intermediate) == []
    assert made_by.said(made_by.server, made_by.intermediate, made_by.root) == []


def test_a_chain_in_another_order_is_answered_with_the_right_one() -> None:
    made_by = Authorities()
    assert made_by.said(made_by.server, made_by.root, made_by.intermediate) == [
        Fault("certificate", "the chain is not in order; write Server, then Intermediate, then Root")
    ]


def test_a_chain_with_a_gap_or_a_stranger_names_what_is_missing() -> None:
    made_by = Authorities()
    advice = (
        "did not issue Server, which stands before it; put the certificate of Intermediate there, "
        "or remove what does not belong to the chain"
    )
    assert made_by.said(made_by.server, made_by.root) == [Fault("certificate", f"Root {advice}")]
    assert made_by.said(made_by.server, OTHER.certificate, made_by.intermediate) == [
        Fault("certificate", f"{HOST} {advice}")
    ]


def test_a_certificate_without_its_chain_is_a_warning() -> None:
    made_by = Authorities()
    [finding] = made_by.said(made_by.server)
    assert finding.warning
    assert finding.sentence == (
        "it stands alone; unless browsers and programs know Intermediate as an authority, "
        "append its certificate to the file"
    )


def test_an_authority_of_the_chain_that_expired_is_refused() -> None:
    made_by = Authorities(intermediate_days=-1)
    assert made_by.said(made_by.server, made_by.intermediate) == [
        Fault(
            "certificate",
            "Intermediate, which belongs to the chain, expired on 2026-11-21; get the chain of today",
        )
    ]


def fresh() -> Pair:
    return made([HOST], datetime.now(UTC) - timedelta(days=1))


def test_certificate_files_are_found_beside_the_site_file_and_encoded(desk: Any) -> None:
    (desk.folder / "sites" / "tls").mkdir(parents=True)
    pair = fresh()
    desk.write("sites/site.yaml", SITE)
    desk.write("sites/tls/cert.pem", pair.certificate)
    desk.write("sites/tls/key.pem", pair.key)
    result = desk.run("values", "sites/site.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    nginx = desk.read()["nginx"]
    assert nginx["tls"] == {"certificate": "tls/cert.pem", "key": "tls/key.pem"}
    assert {name: base64.b64decode(text) for name, text in nginx["secret"].items()} == {
        "certificate": pair.certificate,
        "key": pair.key,
    }
    assert desk.run("check", "values.yaml").exit_code == 0


def test_a_renewed_certificate_replaces_the_one_of_the_previous_output(desk: Any) -> None:
    (desk.folder / "tls").mkdir()
    desk.write("site.yaml", SITE)
    for pair in (fresh(), fresh()):
        desk.write("tls/cert.pem", pair.certificate)
        desk.write("tls/key.pem", pair.key)
        assert desk.run("values", "site.yaml").exit_code == 0
        assert base64.b64decode(desk.read()["nginx"]["secret"]["key"]) == pair.key


def test_problems_with_certificate_files_are_placed_at_their_keys(desk: Any) -> None:
    (desk.folder / "tls" / "key.pem").mkdir(parents=True)
    desk.write("site.yaml", SITE)
    assert desk.run("check", "site.yaml").stderr.splitlines()[:-1] == [
        "site.yaml:3:28: error: nginx.tls.certificate: there is no file tls/cert.pem; "
        "correct the path, which is relative to the site file",
        "site.yaml:3:47: error: nginx.tls.key: tls/key.pem is a folder; name the PEM file in it",
    ]
