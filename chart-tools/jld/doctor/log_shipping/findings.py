"""What is right and wrong with log shipping, for a site. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from jld.doctor.facts import Finding, Level, NoResponse, Release
from jld.doctor.log_shipping import refusals, tls_faults, validity
from jld.doctor.log_shipping.facts import Connection, LogFacts, Step
from jld.doctor.log_shipping.targets import Target, targets
from jld.secrets.certificates import WARN_BEFORE
from jld.support.key_paths import JsonMap, value_at


def findings(site: JsonMap, logs: LogFacts, release: Release, now: datetime) -> Iterator[Finding]:
    """Everything about log shipping, of a site that ships logs."""
    if isinstance(logs.secret, NoResponse):
        yield Finding.unknown("logging.existingSecret", logs.secret)
        return
    yield from _certificates(site, logs, logs.secret, release, now)
    for target in targets(site, logs.secret):
        judge = _Judge(target, _log_of_the_pods(site, target, release), now)
        yield from judge.findings(logs.connections.get(target.address, NoResponse("not tried")))


def _certificates(
    site: JsonMap, logs: LogFacts, secret: validity.Secret, release: Release, now: datetime
) -> Iterator[Finding]:
    """Those in the cluster count: what `jld values` has made it renews by itself, so no site file holds old ones."""
    installed = f"Secret {release.object_name('logging')}"
    if isinstance(logs.installed, NoResponse):
        yield Finding.unknown(installed, logs.installed)
    elif logs.installed:
        yield from validity.findings(site, logs.installed, installed, now)
        return
    existing = value_at(site, "logging", "existingSecret")
    yield from validity.findings(site, secret, f"Secret {existing}" if existing else "logging.secret", now)


def _log_of_the_pods(site: JsonMap, target: Target, release: Release) -> str:
    """What prints how the pods themselves get on."""
    component = value_at(site, "logging", "pipeline") if target.is_broker else "filebeat"
    labels = f"app.kubernetes.io/instance={release.name},app.kubernetes.io/component={component}"
    return f"kubectl --namespace {release.namespace} logs --selector {labels} --tail 20"


_ELSEWHERE = "only the cluster's pods have to reach it, and what they see stands in their log"


@dataclass(frozen=True)
class _Judge:
    """Judges the connection to one target."""

    target: Target
    log_of_the_pods: str
    now: datetime

    def findings(self, connection: Connection | NoResponse) -> Iterator[Finding]:
        if isinstance(connection, NoResponse):
            yield self._finding(Level.unknown, connection.reason, _ELSEWHERE)
            return
        yield self._finding(*self._outcome(connection))
        if connection.server and connection.failed is not Step.tls:
            yield from self._end_of_certificate(connection.server)

    def _finding(self, level: Level, observed: str, remedy: str = "") -> Finding:
        command = self.log_of_the_pods if level is Level.unknown else ""
        return Finding(self.target.words.subject, level, f"{self.target.address}: {observed}", remedy, command)

    def _outcome(self, connection: Connection) -> tuple[Level, str, str]:
        """Where the connection ended, or that it did not: level, what was observed, remedy."""
        words = self.target.words
        match connection.failed:
            case None:
                return self._reached()
            case Step.address:
                remedy = f"correct {words.host}, unless the name is known to the cluster alone: {_ELSEWHERE}"
                return Level.unknown, f"no address is known here ({connection.said})", remedy
            case Step.port:
                remedy = f"correct {words.port}, or let the network pass it, unless that keeps out this machine alone: "
                return Level.unknown, f"cannot be reached from here ({connection.said})", remedy + _ELSEWHERE
            case Step.tls:
                return tls_faults.judged(self.target, connection, self.now)
            case _:
                return Level.failure, *refusals.judged(self.target, connection)

    def _reached(self) -> tuple[Level, str, str]:
        login, words = self.target.login, self.target.words
        if not self.target.is_broker:
            shown = "it accepts" if self.target.pair else "it was not shown"
            return Level.ok, f"reached over TLS; {shown} filebeat's certificate", ""
        if login is None:
            why = f"it is in Secret {words.secret}, which is not read" if words.secret else "nobody has given it yet"
            observed = f"reached over TLS; the login was not tried without the password: {why}"
            return Level.unknown, observed, "what the pods see stands in their log"
        what = f"user {login.user} may publish to exchange {login.exchange} of virtual host {login.vhost}"
        return Level.ok, f"reached over TLS; {what}", ""

    def _end_of_certificate(self, certificate: x509.Certificate) -> Iterator[Finding]:
        """One that is right today, and not for long."""
        ends = certificate.not_valid_after_utc
        if ends - self.now < WARN_BEFORE:
            observed = f"its certificate expires on {ends:%Y-%m-%d}, in {(ends - self.now).days} days"
            remedy = f"tell the {self.target.words.server}'s operators; after that day every line waits on its node"
            yield self._finding(Level.warning, observed, remedy)
