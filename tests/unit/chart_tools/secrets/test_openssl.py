"""Certificates that a lax reader takes, and OpenSSL or every browser does not."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jld.secrets import openssl
from jld.secrets.certificates import Pair, chain_of, written_anew

HOST = "jupyter.localhost"
SITE = """\
global: {hostname: jupyter.localhost}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {certificate: cert.pem, key: key.pem}}
"""
LOGS = """\
logging:
  enabled: true
  pipeline: %s
  broker: {host: broker.example.org, caCertificate: ca.pem, certificate: cert.pem, key: key.pem}
"""
KEYS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa 1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505
    "dsa": lambda: dsa.generate_private_key(2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    **{
        curve.name: lambda curve=curve: ec.generate_private_key(curve)
        for curve in (
            *(ec.SECP192R1(), ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()),
            *(ec.SECP256K1(), ec.BrainpoolP256R1()),
        )
    },
}


@cache
def key_of(kind: str, name: str) -> Any:
    return KEYS[kind]()


def signed(kind: str, by: str = "", name: str = HOST, uses: list[x509.ObjectIdentifier] | None = None) -> bytes:
    """A certificate with a key of a kind, which signs itself or is signed by the authority with a key of another kind."""
    key, signer = key_of(kind, name), key_of(by, "Authority") if by else key_of(kind, name)
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, "Authority" if by else name)
    )
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .add_extension(x509.BasicConstraints(ca=name == "Authority", path_length=None), True)
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), False)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
    return builder.sign(signer, digest).public_bytes(Encoding.PEM)


def private(kind: str) -> bytes:
    return bytes(key_of(kind, HOST).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def said(certificate: bytes, kind: str) -> list[tuple[str, bool]]:
    found = openssl.server_faults(Pair(certificate, private(kind)), HOST, datetime.now(UTC))
    return [(each.sentence, each.warning) for each in found]


def loads(certificate: bytes, key: bytes, folder: Any) -> None:
    """As nginx loads the files of the values, at the security level of its OpenSSL."""
    for name, content in (("c", certificate), ("k", key)):
        (folder / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    context.load_cert_chain(folder / "c", folder / "k")


@pytest.mark.parametrize("kind", ["rsa", "secp256r1", "secp384r1"])
def test_kinds_of_keys_that_everybody_connects_with(kind: str) -> None:
    assert said(signed(kind), kind) == []


TOO_FEW = "too few for OpenSSL, so every handshake fails; get one with a key of RSA with 2048 bits or more"
NOBODY = "no browser and no program connects with a key of this kind"


@pytest.mark.parametrize(
    ("kind", "sentence", "warning"),
    [
        ("rsa 1024", f"the key of {HOST} has 1024 bits, {TOO_FEW}", False),
        ("secp192r1", f"the key of {HOST} has 192 bits, {TOO_FEW}", False),
        ("secp224r1", f"{NOBODY} (secp224r1)", False),
        ("secp256k1", f"{NOBODY} (secp256k1)", False),
        ("brainpoolP256r1", f"{NOBODY} (brainpoolP256r1)", False),
        ("dsa", f"{NOBODY} (DSA)", False),
        ("secp521r1", "Chrome and others that are built like it connect with no key of this kind (secp521r1)", True),
        ("ed25519", "Chrome and others that are built like it connect with no key of this kind (Ed25519)", True),
        ("ed448", "Chrome and others that are built like it connect with no key of this kind (Ed448)", True),
    ],
)
def test_kinds_of_keys_that_somebody_does_not_connect_with(kind: str, sentence: str, warning: bool) -> None:
    [(found, warned)] = said(signed(kind), kind)
    assert found.startswith(sentence)
    assert warned is warning
    [of_secret] = openssl.faults_as_it_stands(signed(kind))  # whose key is not known
    assert of_secret.sentence.startswith(sentence)


def test_a_weak_authority_of_the_chain_is_named() -> None:
    chain = signed("rsa", by="rsa 1024") + signed("rsa 1024", name="Authority")
    assert [sentence for sentence, _ in said(chain, "rsa")] == [
        f"the key of Authority has 1024 bits, {TOO_FEW}, or of the curve P-256 or P-384"
    ]


def test_a_certificate_for_clients_is_none_for_the_front_door() -> None:
    [(found, _)] = said(signed("secp256r1", uses=[ExtendedKeyUsageOID.CLIENT_AUTH]), "secp256r1")
    assert found == "it is not meant for servers, so browsers refuse it; get one with serverAuth"
    both = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    assert said(signed("secp256r1", uses=both), "secp256r1") == []


LEAF, AUTHORITY = signed("secp256r1", by="rsa"), signed("rsa", name="Authority")
CHAIN = LEAF + AUTHORITY
# What becomes of PEM text on its way: a lax reader takes all of it, and OpenSSL some.
ODD: dict[str, bytes] = {
    "glued": LEAF.rstrip() + AUTHORITY,
    "glued by blanks": LEAF.rstrip() + b" " + AUTHORITY,
    "indented": CHAIN.replace(b"\n", b"\n  ").strip(),
    "with a mark at its start": b"\xef\xbb\xbf" + CHAIN,
    "of an old Macintosh": CHAIN.replace(b"\n", b"\r"),
    "with a remark behind": LEAF.rstrip() + b"  # mine\n" + AUTHORITY,
}
EVEN: dict[str, bytes] = {
    "plain": CHAIN,
    "of Windows": CHAIN.replace(b"\n", b"\r\n"),
    "with text between": b"subject=/CN=x\n" + LEAF + b"\nissuer=/CN=y\n" + AUTHORITY,
    "without its last line end": CHAIN.rstrip(),
    "of older programs": CHAIN.replace(b" CERTIFICATE", b" X509 CERTIFICATE"),
}


@pytest.mark.parametrize("name", [*ODD, *EVEN])
def test_a_chain_is_written_as_openssl_reads_it(desk: Any, name: str) -> None:
    desk.write("site.yaml", SITE)
    desk.write("cert.pem", (ODD | EVEN)[name])
    desk.write("key.pem", private("secp256r1"))
    result = desk.run("values", "site.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    secret = {key: base64.b64decode(text) for key, text in desk.read()["nginx"]["secret"].items()}
    assert secret["certificate"] == CHAIN
    loads(secret["certificate"], secret["key"], desk.folder)


@pytest.mark.parametrize("name", [*ODD, *EVEN])
def test_what_openssl_does_not_read_of_a_secret_is_told(name: str) -> None:
    sentences = [each.sentence for each in openssl.faults_as_it_stands((ODD | EVEN)[name])]
    assert bool(sentences) is (name in ODD)
    assert all(" of its 2 certificates, so handshakes fail; " in each for each in sentences)


def test_a_chain_that_loses_a_certificate_on_its_way_is_refused() -> None:
    assert chain_of(LEAF + AUTHORITY[1:]) == (
        "one of the certificates in this file is damaged at its first or last line; copy it again"
    )


def test_authorities_of_the_site_are_written_anew(desk: Any) -> None:
    text = (AUTHORITY.rstrip() + AUTHORITY.rstrip()).decode()
    desk.write(
        "site.yaml",
        "global:\n  hostname: jld.localhost\n  certificateAuthorities: |\n"
        + "".join(f"    {line}\n" for line in text.splitlines())
        + "hub: {auth: {dummy: {users: [alice]}}}\nnginx: {tls: {selfSigned: true}}\n",
    )
    assert desk.run("values", "site.yaml").exit_code == 0
    written = desk.read()["global"]["certificateAuthorities"].encode()
    assert written == written_anew([*chain_of(AUTHORITY), *chain_of(AUTHORITY)])
    assert openssl.unread_part(written) == ""


def test_an_authority_with_a_short_key_and_a_file_that_openssl_does_not_read_are_warned_of(desk: Any) -> None:
    def indented(pem: bytes, by: str) -> str:
        return "".join(f"{by}{line}\n" for line in pem.decode().splitlines())

    desk.write(
        "site.yaml",
        "global:\n  hostname: jld.localhost\n  certificateAuthorities: |\n"
        + indented(signed("rsa 1024", name="Authority"), "    ")
        + "hub:\n  auth: {dummy: {users: [alice]}}\n  files:\n    /etc/own/database-authority.pem: |\n"
        + indented(AUTHORITY.rstrip() + AUTHORITY, "      ")
        + "nginx: {tls: {selfSigned: true}}\n",
    )
    result = desk.run("check", "site.yaml")
    assert result.exit_code == 0
    assert (
        "the key of Authority has 1024 bits, too few for OpenSSL, so nothing that it signed is trusted" in result.stderr
    )
    assert 'database-authority.pem": OpenSSL reads no certificate in it, so handshakes fail' in result.stderr


@pytest.mark.parametrize("pipeline", ["relay", "logstash"])
def test_certificates_of_log_shipping_are_written_anew(desk: Any, pipeline: str) -> None:
    desk.write(
        "site.yaml", SITE.replace("{certificate: cert.pem, key: key.pem}", "{selfSigned: true}") + LOGS % pipeline
    )
    desk.write("ca.pem", AUTHORITY.rstrip() + signed("rsa", name="Authority"))
    desk.write("cert.pem", ODD["glued"])
    desk.write("key.pem", private("secp256r1"))
    result = desk.run("values", "site.yaml", JLD_BROKER_PASSWORD="made-up")
    assert result.exit_code == 0, result.output
    secret = {key: base64.b64decode(text) for key, text in desk.read()["logging"]["secret"].items()}
    assert secret["brokerCertificate"] == CHAIN
    assert openssl.unread_part(secret["brokerCaCertificate"]) == ""
    loads(secret["brokerCertificate"], secret["brokerKey"], desk.folder)


@pytest.mark.parametrize(("pipeline", "refused"), [("relay", True), ("logstash", False)])
def test_a_short_key_stops_the_relay_and_is_warned_of_elsewhere(desk: Any, pipeline: str, refused: bool) -> None:
    desk.write(
        "site.yaml", SITE.replace("{certificate: cert.pem, key: key.pem}", "{selfSigned: true}") + LOGS % pipeline
    )
    desk.write("ca.pem", AUTHORITY)
    desk.write("cert.pem", signed("rsa 1024"))
    desk.write("key.pem", private("rsa 1024"))
    result = desk.run("check", "site.yaml", JLD_BROKER_PASSWORD="made-up")
    assert (result.exit_code == 1) is refused
    assert f"logging.broker.certificate: the key of {HOST} has 1024 bits" in result.stderr
