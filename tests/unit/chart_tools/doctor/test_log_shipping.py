"""What `jld doctor` makes of what brokers, logstashes and certificates of log shipping show."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from jld.doctor.facts import Finding, Level, NoResponse, Release
from jld.doctor.kubectl import Kubectl
from jld.doctor.log_shipping import asking, findings
from jld.doctor.log_shipping.facts import Connection, LogFacts, Step
from jld.doctor.log_shipping.targets import secret_of, targets
from jld.doctor.log_shipping.validity import CERTIFICATES
from jld.schema.chart import Chart
from jld.secrets.formats import NOT_GIVEN, encode
from jld.site.tree import coalesce

CHECKOUT = Path(__file__).resolve().parents[4]
DEFAULTS = Chart(CHECKOUT / "chart").defaults()
HERE = Release("science", "jld")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BROKER, LOGSTASH = "rabbit.example.org:5671", "logstash.example.org:5044"
PASSWORD = "a-password-that-is-shown-nowhere"
ISSUER = "Authority of the log broker"


def certificate(days: int = 365, *names: str, issuer: str = ISSUER) -> x509.Certificate:
    """One that ends so many days from NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
    return (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1000))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(alternatives, critical=False)
        .sign(key, hashes.SHA256())
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def der(each: x509.Certificate) -> bytes:
    return each.public_bytes(Encoding.DER)


GOOD = certificate(365, "jld-logs")
SHOWN = der(certificate(365, "rabbit.example.org"))
SECRET = dict.fromkeys(CERTIFICATES, pem(GOOD)) | {"brokerPassword": PASSWORD.encode(), "key": b"k", "serverKey": b"k"}
PUBLIC = SECRET | dict.fromkeys(("brokerPassword", "brokerKey", "key", "serverKey"), b"")  # as a Secret is read
RELAY: dict[str, Any] = {
    "enabled": True,
    "pipeline": "relay",
    "broker": {"host": "rabbit.example.org", "vhost": "panopticon"},
}
EXTERNAL: dict[str, Any] = {"enabled": True, "pipeline": "external", "external": {"hosts": [LOGSTASH]}}


def site(logging: dict[str, Any], **more: Any) -> dict[str, Any]:
    return coalesce(DEFAULTS, {"logging": coalesce(logging, more)})


def judged(
    connection: Connection | NoResponse,
    logging: dict[str, Any] = RELAY,
    secret: Mapping[str, bytes] = SECRET,
    **more: Any,
) -> list[Finding]:
    """What is said about connections, without what is said about certificates at hand."""
    described = site(logging, **more)
    logs = LogFacts(secret, {}, {BROKER: connection, LOGSTASH: connection})
    said = findings.findings(described, logs, HERE, NOW)
    return [each for each in said if each.subject in ("logging.broker", "logging.external.hosts")]


def failed(step: Step, code: int | str = "", said: str = "", shown: bytes = b"") -> Connection:
    return Connection(step, code, said, shown)


REFUSED = "NOT_ALLOWED - access to vhost 'panopticon' refused for user 'pan'"
FULL = f"{REFUSED}: connection limit (7) is reached"
CASES: dict[str, tuple[Connection, Level, str]] = {
    "right": (
        Connection(certificate=SHOWN),
        Level.ok,
        "reached over TLS; user pan may publish to exchange logstash-exchange of virtual host panopticon",
    ),
    "no address": (
        failed(Step.address, said="Name or service not known"),
        Level.unknown,
        "no address is known here (Name or service not known)",
    ),
    "no way": (failed(Step.port, said="timed out"), Level.unknown, "cannot be reached from here (timed out)"),
    "password": (
        failed(Step.login, 403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."),
        Level.failure,
        "refuses user pan with the password of logging.secret.brokerPassword",
    ),
    "no passwords at all": (
        failed(Step.login, "", "EXTERNAL"),
        Level.failure,
        "does not let user pan log in with a password (EXTERNAL)",
    ),
    "no virtual host": (
        failed(Step.vhost, 530, "NOT_ALLOWED - vhost panopticon not found"),
        Level.failure,
        "has no virtual host panopticon",
    ),
    "no permission": (
        failed(Step.vhost, 530, REFUSED),
        Level.failure,
        "does not let user pan into virtual host panopticon",
    ),
    "too many": (failed(Step.vhost, 530, FULL), Level.failure, f"does not open virtual host panopticon ({FULL})"),
    "no exchange": (
        failed(Step.exchange, 404, "NOT_FOUND - no exchange"),
        Level.failure,
        "virtual host panopticon has no exchange logstash-exchange",
    ),
    "an exchange that is not shown": (
        failed(Step.exchange, 403, "ACCESS_REFUSED"),
        Level.failure,
        "refuses exchange logstash-exchange (ACCESS_REFUSED)",
    ),
    "reads only": (
        failed(Step.publishing, 403, "ACCESS_REFUSED"),
        Level.failure,
        "user pan may not publish to exchange logstash-exchange (ACCESS_REFUSED)",
    ),
    "another server": (
        failed(Step.protocol, said="it ended the connection"),
        Level.failure,
        "answers over TLS, but not as RabbitMQ does: it ended the connection",
    ),
    "another name": (
        failed(Step.tls, 62, "Hostname mismatch", der(certificate(365, "a.example.org", "b.example.org"))),
        Level.failure,
        "its certificate is for a.example.org, b.example.org, not for rabbit.example.org",
    ),
    "another name, not seen": (
        failed(Step.tls, 62, "Hostname mismatch"),
        Level.failure,
        "its certificate is for other names, not for rabbit.example.org",
    ),
    "expired": (
        failed(Step.tls, 10, "certificate has expired", der(certificate(-12, "rabbit.example.org"))),
        Level.failure,
        "its certificate expired on 2026-05-20",
    ),
    "its authority expired": (
        failed(Step.tls, 10, "certificate has expired", SHOWN),
        Level.failure,
        "an authority of its certificate has expired; it may be the one in logging.broker.caCertificate",
    ),
    "not yet valid": (failed(Step.tls, 9), Level.failure, "its certificate is not valid yet"),
    "another authority": (
        failed(Step.tls, 20, "unable to get local issuer", der(certificate(issuer="Somebody"))),
        Level.failure,
        "its certificate was issued by Somebody; logging.broker.caCertificate does not hold it",
    ),
    "an authority of the same name": (
        failed(Step.tls, 19, "self-signed certificate in chain", SHOWN),
        Level.failure,
        f"its certificate was issued by {ISSUER}; logging.broker.caCertificate holds another one of that name",
    ),
    "against RFC 5280": (
        failed(Step.tls, 85, "Missing Authority Key Identifier", SHOWN),
        Level.failure,
        "its certificate cannot be verified (Missing Authority Key Identifier)",
    ),
    "what is no certificate": (
        failed(Step.tls, 20, "unable to get local issuer", b"no certificate"),
        Level.failure,
        "who issued its certificate is not in logging.broker.caCertificate",
    ),
    "no TLS": (failed(Step.tls, "WRONG_VERSION_NUMBER"), Level.failure, "answers without TLS"),
    "asks for a certificate, TLS 1.3": (
        failed(Step.tls, "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
        Level.failure,
        "asks for a certificate, and the site has none to show",
    ),
    "asks for a certificate, TLS 1.2": (
        failed(Step.tls, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
        Level.failure,
        "ends the handshake; most likely it asks for a certificate, and the site has none to show",
    ),
    "old TLS": (
        failed(Step.tls, "TLSV1_ALERT_PROTOCOL_VERSION"),
        Level.failure,
        "knows only TLS older than 1.2",
    ),
    "silence": (
        failed(Step.tls, "TimeoutError", "timed out"),
        Level.unknown,
        "takes connections, and does not answer in time",
    ),
    "cut": (
        failed(Step.tls, "ConnectionResetError", "Connection reset by peer"),
        Level.failure,
        "ended the connection during the TLS handshake (Connection reset by peer)",
    ),
}


@pytest.mark.parametrize(("connection", "level", "observed"), CASES.values(), ids=CASES)
def test_each_fault_of_a_broker_is_a_sentence_with_a_remedy(
    connection: Connection, level: Level, observed: str
) -> None:
    (finding,) = judged(connection)

    assert (finding.level, finding.observed) == (level, f"{BROKER}: {observed}")
    assert level is Level.ok or finding.remedy
    assert bool(finding.command) is (level is Level.unknown)
    assert PASSWORD not in str(finding)


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("logging", [RELAY, EXTERNAL], ids=["broker", "logstash"])
@pytest.mark.parametrize("secret", [SECRET, PUBLIC, {}], ids=["all", "public", "nothing"])
@pytest.mark.parametrize("code", ["", "X", 0, 999])
def test_whatever_a_connection_ends_with_there_is_a_sentence(
    step: Step, logging: dict[str, Any], secret: Mapping[str, bytes], code: int | str
) -> None:
    (finding,) = judged(failed(step, code, "said"), logging, secret)

    assert finding.level in (Level.failure, Level.unknown)
    assert finding.observed
    assert finding.remedy


def test_what_cannot_be_tried_is_unknown_and_the_log_of_the_pods_knows() -> None:
    (finding,) = judged(NoResponse("no answer in 9 seconds"))

    assert (finding.level, finding.observed) == (Level.unknown, f"{BROKER}: no answer in 9 seconds")
    assert finding.command == (
        "kubectl --namespace science logs --selector "
        "app.kubernetes.io/instance=jld,app.kubernetes.io/component=relay --tail 20"
    )
    (finding,) = judged(NoResponse("no answer in 9 seconds"), EXTERNAL)
    assert "component=filebeat" in finding.command


@pytest.mark.parametrize(
    ("days", "levels"),
    [(31, [Level.ok]), (29, [Level.ok, Level.warning]), (0, [Level.ok, Level.warning])],
)
def test_a_brokers_certificate_that_ends_soon_is_a_warning(days: int, levels: list[Level]) -> None:
    said = judged(Connection(certificate=der(certificate(days, "rabbit.example.org"))))

    assert [each.level for each in said] == levels
    if len(said) > 1:
        assert f"its certificate expires on {NOW + timedelta(days=days):%Y-%m-%d}, in {days} days" in said[1].observed


@pytest.mark.parametrize(
    ("connection", "level", "observed"),
    [
        (Connection(), Level.ok, "reached over TLS; it accepts filebeat's certificate"),
        (
            failed(Step.tls, "TLSV1_ALERT_UNKNOWN_CA"),
            Level.failure,
            "refuses the certificate that it is shown: it does not know who issued it",
        ),
        (
            failed(Step.tls, "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
            Level.failure,
            "refuses the certificate that it is shown: it has expired",
        ),
        (
            failed(Step.tls, 20, "", der(certificate(issuer="Somebody"))),
            Level.failure,
            "its certificate was issued by Somebody; logging.tls.caCertificate does not hold it",
        ),
    ],
)
def test_a_logstash_that_exists_is_judged_by_the_keys_of_its_own(
    connection: Connection, level: Level, observed: str
) -> None:
    (finding,) = judged(connection, EXTERNAL)

    assert (finding.subject, finding.level) == ("logging.external.hosts", level)
    assert finding.observed == f"{LOGSTASH}: {observed}"


def test_of_a_secret_of_ones_own_password_and_keys_are_not_read() -> None:
    (finding,) = judged(Connection(certificate=SHOWN), RELAY, PUBLIC, existingSecret="logs")
    assert (finding.level, finding.observed) == (
        Level.unknown,
        f"{BROKER}: reached over TLS; the login was not tried without the password: it is in Secret logs, which is not read",
    )
    (finding,) = judged(failed(Step.tls, "TLSV13_ALERT_CERTIFICATE_REQUIRED"), RELAY, PUBLIC, existingSecret="logs")
    assert (finding.level, finding.observed) == (
        Level.unknown,
        f"{BROKER}: asks for a certificate, whose key in Secret logs is not read",
    )


def test_a_password_that_is_still_to_be_given_is_not_tried() -> None:
    held = {name: encode(value) for name, value in (SECRET | {"brokerPassword": NOT_GIVEN.encode()}).items()}
    described = site(RELAY, secret=held)

    (target,) = targets(described, secret_of(described))
    assert target.login is None
    (finding,) = judged(Connection(certificate=SHOWN), RELAY, secret_of(described))
    assert finding.level is Level.unknown


def test_neither_password_nor_key_is_shown_with_a_target() -> None:
    held = SECRET | {"brokerKey": b"a key that is shown nowhere"}
    (target,) = targets(site(RELAY), held)

    assert target.login is not None
    assert target.pair is not None
    assert PASSWORD not in repr(target)
    assert "shown nowhere" not in repr(target)


@pytest.mark.parametrize("text", ["one\nline", "\x1b[2Jcleared", "x" * 5000, "\u202eturned"])
def test_what_another_side_says_is_one_short_line(text: str) -> None:
    (finding,) = judged(failed(Step.vhost, 530, text))

    assert finding.observed.isprintable()
    assert len(finding.observed) < 400


# The certificates at hand.


def certificates(
    secret: Mapping[str, bytes] | NoResponse,
    installed: Mapping[str, bytes] | NoResponse | None = None,
    logging: dict[str, Any] = RELAY,
    **more: Any,
) -> list[Finding]:
    logs = LogFacts(secret, {} if installed is None else installed)
    said = findings.findings(site(logging, **more), logs, HERE, NOW)
    return [each for each in said if each.subject not in ("logging.broker", "logging.external.hosts")]


def test_certificates_that_are_good_are_one_line() -> None:
    soonest = SECRET | {"certificate": pem(certificate(40))}
    (finding,) = certificates(soonest)

    assert (finding.subject, finding.level) == ("logging.secret", Level.ok)
    assert finding.observed.endswith("certificate is the first to expire, on 2026-07-11")


OWN = {"tls": {"caCertificate": "ca.pem", "certificate": "c.pem", "key": "k.pem"}}
VALIDITY: dict[str, tuple[str, bytes, dict[str, Any], Level, str, str]] = {
    "made here, soon": (
        *("certificate", pem(certificate(20)), {}, Level.warning),
        "certificate: it expires on 2026-06-21, in 20 days",
        "let `jld values` make new ones, as it does by itself 90 days before; then `helm upgrade`",
    ),
    "made here, expired": (
        *("caCertificate", pem(certificate(-1)), {}, Level.failure),
        "caCertificate: it expired on 2026-05-31, and every line waits on the nodes",
        "let `jld values` make new ones",
    ),
    "of the site, soon": (
        *("serverCertificate", pem(certificate(20, "jld-logs")), OWN, Level.warning),
        "serverCertificate: it expires on 2026-06-21, in 20 days",
        "name the file of a new one in logging.tls.certificate; then `jld values` and `helm upgrade`",
    ),
    "the broker's authorities": (
        *("brokerCaCertificate", pem(certificate(-1)), {}, Level.failure),
        "brokerCaCertificate: it expired on 2026-05-31, and every line waits on the nodes",
        "name the file of a new one in logging.broker.caCertificate",
    ),
    "the client's": (
        *("brokerCertificate", pem(certificate(3)), {}, Level.warning),
        "brokerCertificate: it expires on 2026-06-04, in 3 days",
        "name the file of a new one in logging.broker.certificate",
    ),
    "an authority of its chain": (
        *("brokerCertificate", pem(GOOD, certificate(-1)), {}, Level.failure),
        "brokerCertificate: it expired on 2026-05-31, and every line waits on the nodes",
        "name the file of a new one in logging.broker.certificate",
    ),
    "another name": (
        *("serverCertificate", pem(certificate(365, "logstashrmq")), OWN, Level.failure),
        "serverCertificate: it is for logstashrmq, not for jld-logs (logging.serviceName), so filebeat connects to nobody",
        "name the file of a new one in logging.tls.certificate",
    ),
    "no certificate": (
        *("caCertificate", b"rubbish", {}, Level.failure),
        "caCertificate: it is not certificates in PEM and nothing else",
        "let `jld values` make new ones",
    ),
    "joined without a line end": (
        *("caCertificate", pem(GOOD).rstrip() + pem(certificate(366)), {"existingSecret": "logs"}, Level.failure),
        "caCertificate: OpenSSL reads 0 of its 2 certificates, so handshakes fail; "
        "write each BEGIN and END on a line of its own, with nothing before or behind it",
        "put a new one into key caCertificate of it",
    ),
    "in a Secret of one's own": (
        *("certificate", pem(certificate(20)), {"existingSecret": "logs"}, Level.warning),
        "certificate: it expires on 2026-06-21, in 20 days",
        "put a new one into key certificate of it",
    ),
}


@pytest.mark.parametrize(("name", "held", "more", "level", "observed", "remedy"), VALIDITY.values(), ids=VALIDITY)
def test_each_certificate_that_is_wrong_is_told_with_its_remedy(
    name: str, held: bytes, more: dict[str, Any], level: Level, observed: str, remedy: str
) -> None:
    said = certificates(SECRET | {"brokerKey": b"k", name: held}, **more)

    assert [(each.level, each.observed) for each in said] == [(level, observed)]
    assert said[0].remedy.startswith(remedy)


def test_an_old_authority_beside_a_new_one_is_no_fault() -> None:
    (finding,) = certificates(SECRET | {"brokerCaCertificate": pem(certificate(-100), GOOD)})
    assert finding.level is Level.ok


def test_what_is_in_the_cluster_counts_for_values_renews_what_it_has_made() -> None:
    old = SECRET | {"certificate": pem(certificate(20))}
    (finding,) = certificates(SECRET, installed=old)
    assert (finding.subject, finding.level) == ("Secret jld-logging", Level.warning)

    said = certificates(old, installed=NoResponse("secrets is forbidden"))
    assert [(each.subject, each.level) for each in said] == [
        ("Secret jld-logging", Level.unknown),
        ("logging.secret", Level.warning),
    ]


@pytest.mark.parametrize(
    ("logging", "left_out", "missing"),
    [
        (RELAY, ("brokerPassword",), "has no key brokerPassword"),
        (RELAY, ("brokerKey",), "has no key brokerKey"),
        (RELAY, ("brokerCertificate", "brokerKey"), ""),
        (RELAY, ("serverCertificate", "serverKey"), "has no key serverCertificate and no key serverKey"),
        (EXTERNAL, ("brokerPassword", "serverCertificate", "serverKey"), ""),
        (EXTERNAL, ("key",), "has no key key"),
        (EXTERNAL, ("certificate", "key"), ""),
        (EXTERNAL, ("caCertificate",), "has no key caCertificate"),
    ],
)
def test_a_secret_of_ones_own_has_all_keys(logging: dict[str, Any], left_out: tuple[str, ...], missing: str) -> None:
    held = {name: value for name, value in PUBLIC.items() if name not in left_out}
    said = certificates(held, None, logging, existingSecret="logs")

    wrong = [each.observed for each in said if each.level is Level.failure]
    assert wrong == ([f"Secret logs {missing}"] if missing else [])


def test_a_secret_that_was_not_read_is_unknown() -> None:
    (finding,) = certificates(NoResponse("Secret logs was not read, for there is no cluster"), existingSecret="logs")
    assert (finding.subject, finding.level) == ("logging.existingSecret", Level.unknown)


# What is read of a cluster.


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """The real program, which shows a Secret that is no cluster's in the form that it is asked for."""
    made = Kubectl(None, "science")
    assert made.program is not None  # `make tools` has put it where the doctor looks
    data = {name: base64.b64encode(value or PASSWORD.encode()).decode() for name, value in PUBLIC.items()}
    manifest = json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "logs"}, "data": data})

    def run(*words: str, stdin: str = "") -> str:
        assert words[:3] == ("get", "secret", "logs")
        assert "--ignore-not-found" in words
        show = [str(made.program), "label", "--local", "--filename", "-", "read=yes", *words[-2:]]
        return subprocess.run(show, input=manifest, capture_output=True, text=True, check=True).stdout

    monkeypatch.setattr(made, "run", run)
    return made


def test_of_a_secret_only_what_is_public_leaves_the_cluster(kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(asking, "reach", lambda target: asked.append(target) or Connection())
    logs = asking.gather(kubectl, site(RELAY, existingSecret="logs"), HERE)

    assert logs == replace(LogFacts(), secret=PUBLIC, connections={BROKER: Connection()})
    assert [(each.login, each.pair) for each in asked] == [(None, None)]


def test_without_a_cluster_nothing_is_read_and_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "reach", lambda target: pytest.fail("asked"))
    logs = asking.gather(None, site(RELAY, existingSecret="logs"), HERE)

    assert logs == LogFacts(NoResponse("Secret logs was not read, for there is no cluster"))
