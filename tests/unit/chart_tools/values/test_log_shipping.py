"""`jld values` makes the secrets of log shipping, or takes them from files, and refuses half a configuration."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509 import ExtendedKeyUsage, load_pem_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID
from jld.secrets import log_shipping
from jld.secrets.authority import VALIDITY, new_authority

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PASSWORD = "s3cr/et & %25 pässwörd"
SITE = """\
global: {hostname: jupyter.example.org}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {existingSecret: jupyter-tls}}
logging:
"""
BROKER = "broker: {host: rabbitmq.example.org, caCertificate: broker-ca.pem}"


def write_site(desk: Any, *lines: str) -> None:
    desk.write("site.yaml", SITE + "".join(f"  {line}\n" for line in ("enabled: true", *lines)))
    desk.write("broker-ca.pem", new_authority("the broker's", datetime.now(UTC)).pem)


def run(desk: Any, password: str | None = PASSWORD) -> Any:
    given = {"JLD_BROKER_PASSWORD": password} if password is not None else {}
    return desk.run("values", str(desk.folder / "site.yaml"), "-o", str(desk.folder / "values.yaml"), **given)


def secret(desk: Any) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in desk.read()["logging"]["secret"].items()}


@pytest.mark.parametrize("pipeline", ["relay", "logstash"])
def test_what_is_between_the_pods_is_made_once(desk: Any, pipeline: str) -> None:
    write_site(desk, f"pipeline: {pipeline}", BROKER)
    assert run(desk).exit_code == 0
    made = secret(desk)
    assert set(made) == {"brokerPassword", "brokerCaCertificate", *log_shipping.KEYS}
    assert made["brokerPassword"].decode() == PASSWORD
    assert made["brokerCaCertificate"] == (desk.folder / "broker-ca.pem").read_bytes()
    again = run(desk, password=None)  # that of the earlier run is kept
    assert (again.exit_code, secret(desk)) == (0, made)
    assert "is up to date" in again.stdout


def test_both_sides_are_verified_by_name_and_purpose() -> None:
    made = log_shipping.generate("jld-logs", NOW)
    authority, server, client = (
        load_pem_x509_certificate(made[key]) for key in ("caCertificate", "serverCertificate", "certificate")
    )
    for certificate, usage in (
        (server, ExtendedKeyUsageOID.SERVER_AUTH),
        (client, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        certificate.verify_directly_issued_by(authority)
        assert list(certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value) == [usage]
    assert log_shipping.still_serve(made, "jld-logs", NOW)
    assert not log_shipping.still_serve(made, "science-logs", NOW)


@pytest.mark.parametrize(
    ("later", "serve"),
    [
        (timedelta(days=1), True),
        (VALIDITY - log_shipping.RENEW_BEFORE - timedelta(days=1), True),
        (VALIDITY - log_shipping.RENEW_BEFORE + timedelta(days=1), False),
        (VALIDITY + timedelta(days=1), False),
    ],
)
def test_they_are_renewed_long_before_they_expire(later: timedelta, serve: bool) -> None:
    assert log_shipping.still_serve(log_shipping.generate("jld-logs", NOW), "jld-logs", NOW + later) is serve


@pytest.mark.parametrize("key", log_shipping.KEYS)
def test_damaged_or_missing_ones_are_made_again(key: str) -> None:
    made = log_shipping.generate("jld-logs", NOW)
    other = log_shipping.generate("jld-logs", NOW)
    assert not log_shipping.still_serve(made | {key: b"damaged"}, "jld-logs", NOW)
    assert not log_shipping.still_serve({name: made[name] for name in made if name != key}, "jld-logs", NOW)
    assert not log_shipping.still_serve(made | {key: other[key]}, "jld-logs", NOW)


def test_another_name_of_the_service_gets_another_certificate(desk: Any) -> None:
    write_site(desk, BROKER)
    run(desk)
    before = secret(desk)
    write_site(desk, BROKER, "serviceName: science-logs")
    run(desk)
    assert secret(desk)["serverCertificate"] != before["serverCertificate"]


def own_files(desk: Any, name: str = "jld-logs") -> None:
    """A pair of the site's own, with a key in the older form that openssl wrote."""
    authority = new_authority("our own", datetime.now(UTC))
    pair = authority.issue("logs", ExtendedKeyUsageOID.SERVER_AUTH, name)
    key = load_pem_private_key(pair.key, None)
    desk.write("ca.pem", authority.pem)
    desk.write("cert.pem", pair.certificate)
    desk.write("key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))


TLS = "tls: {caCertificate: ca.pem, certificate: cert.pem, key: key.pem}"


@pytest.mark.parametrize(
    ("lines", "both"),
    [((BROKER, TLS), True), (("pipeline: external", "external: {hosts: ['l.example.org:5044']}", TLS), False)],
    ids=["inside", "external"],
)
def test_files_of_the_site_are_used_in_the_form_that_every_reader_takes(
    desk: Any, lines: tuple[str, ...], both: bool
) -> None:
    write_site(desk, *lines)
    own_files(desk)
    result = run(desk)
    assert result.exit_code == 0, result.stderr
    found = secret(desk)
    assert b"BEGIN PRIVATE KEY" in found["key"]  # PKCS #8
    assert found["certificate"] == (desk.folder / "cert.pem").read_bytes()
    assert (found.get("serverKey") == found["key"]) is both
    assert (found.get("serverCertificate") == found["certificate"]) is both


def test_values_that_stand_where_a_path_belongs_are_refused_though_the_values_hold_the_file(desk: Any) -> None:
    """A file may be elsewhere when values are read again. What is no file's name is a mistake, and here would leave a key to be seen."""
    write_site(desk, BROKER, TLS)
    own_files(desk)
    run(desk)
    site = desk.read()
    site["logging"]["tls"]["caCertificate"] = site["logging"]["secret"]["serverKey"]
    desk.write("values.yaml", yaml.safe_dump(site))

    result = desk.run("check", str(desk.folder / "values.yaml"))

    assert result.exit_code == 1
    assert "logging.tls.caCertificate: this is not a path; write the path of a PEM file" in result.stderr
    assert site["logging"]["secret"]["serverKey"] not in result.stderr + result.stdout


def test_an_external_logstash_may_ask_for_no_certificate(desk: Any) -> None:
    write_site(desk, "pipeline: external", "external: {hosts: ['l.example.org:5044']}", "tls: {caCertificate: ca.pem}")
    own_files(desk)
    assert run(desk, password=None).exit_code == 0
    assert set(secret(desk)) == {"caCertificate"}


def test_a_secret_of_the_operators_own_leaves_nothing_to_make(desk: Any) -> None:
    write_site(desk, "existingSecret: log-shipping", "broker: {host: rabbitmq.example.org}")
    assert run(desk, password=None).exit_code == 0
    assert "secret" not in desk.read()["logging"]


HALF: list[tuple[tuple[str, ...], str]] = [
    ((), "logging.broker.host: "),
    (("broker: {host: rabbitmq.example.org}",), "logging.broker.caCertificate: "),
    (("broker: {caCertificate: broker-ca.pem}",), "write the DNS name of the RabbitMQ that takes the events"),
    (("broker: {host: r.example.org, caCertificate: nowhere.pem}",), "there is no file"),
    (("broker: {host: r.example.org, caCertificate: cert.pem}",), "may sign no certificates"),
    (("broker: {host: r.example.org, caCertificate: key.pem}",), "this file holds a private key"),
    (
        ("broker: {host: r.example.org, caCertificate: broker-ca.pem, certificate: cert.pem}",),
        "nothing without its private key",
    ),
    (("broker: {host: r.example.org, caCertificate: broker-ca.pem, key: key.pem}",), "nothing without its certificate"),
    ((BROKER, "tls: {certificate: cert.pem, key: key.pem}"), "whom filebeat connects to is not verified without this"),
    ((BROKER, "serviceName: other-logs", TLS), "it is for jld-logs, not for other-logs"),
    ((BROKER, "external: {hosts: ['l.example.org:5044']}"), "events go to logging.broker; remove it"),
    (("pipeline: external",), "write where logstash is"),
    (("pipeline: external", "external: {hosts: ['l.example.org:5044']}"), "logstash is not verified without it"),
    (("pipeline: external", "external: {hosts: ['l.example.org:99999']}", TLS), "there is no port 99999"),
    (("pipeline: external", "external: {hosts: ['l.example.org:5044']}", TLS, "broker: {host: r}"), "remove it"),
    (
        (BROKER, "alerts: {enabled: true}"),
        "logging.alerts: there is no such key; did you mean global.monitoring.rules?",
    ),
    ((BROKER, "excludeNamespaces: [kube-system]"), "write logging.containers: node"),
    ((BROKER, "serviceName: jld-hub"), "another Service of the release may be called jld-hub"),
    ((BROKER, "dropLines: ['']"), "logging.dropLines[0]"),
    ((BROKER, "shipper_name: x"), "logging.shipper_name"),
]


@pytest.mark.parametrize(("lines", "sentence"), HALF)
def test_half_a_configuration_is_refused_with_what_is_missing(desk: Any, lines: tuple[str, ...], sentence: str) -> None:
    write_site(desk, *lines)
    own_files(desk)
    result = run(desk)
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.stderr
    assert not (desk.folder / "values.yaml").exists()


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        (None, "missing; give the password of logging.broker.user as JLD_BROKER_PASSWORD"),
        ("two\nlines", "(not shown) is not the password as one line of text"),
        ("bell\x07", "(not shown) is not the password as one line of text"),
    ],
)
def test_a_password_is_one_line(desk: Any, password: str | None, sentence: str) -> None:
    write_site(desk, BROKER)
    result = run(desk, password)
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.stderr


def test_nothing_secret_is_shown(desk: Any) -> None:
    write_site(desk, BROKER, TLS)
    own_files(desk, "another-name")
    result = run(desk)
    assert result.exit_code == 1
    assert PASSWORD not in result.output
    assert "PRIVATE" not in result.output


def test_what_has_no_effect_is_told(desk: Any) -> None:
    desk.write("site.yaml", SITE + f"  {BROKER}\n")
    result = run(desk)
    assert result.exit_code == 0
    assert (
        "logging.broker: has no effect with logging.enabled: false; write logging.enabled: true, or remove it"
        in result.stderr
    )
