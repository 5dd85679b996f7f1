"""The secrets of log shipping: the broker's password, and certificates, from the files that the site names or made here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from jld.schema import validation, validator
from jld.secrets import formats
from jld.secrets.formats import BROKER_PASSWORD, LOGGING_SECRET
from jld.site.tree import Node, find, nearest, plain
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted, map_at, value_at
from jld.values.draft import Draft
from jld.values.pem import pem
from jld.values.site_secrets import MissingSecret

# By the keys that name files, below `logging`: those of `logging.secret` that hold what is in them.
FILES = {
    "broker": {"caCertificate": "brokerCaCertificate", "certificate": "brokerCertificate", "key": "brokerKey"},
    "tls": {"caCertificate": "caCertificate", "certificate": "certificate", "key": "key"},
}
# Inside of the cluster both sides show the one certificate that a site gives.
_SERVER = {"certificate": "serverCertificate", "key": "serverKey"}


def complete_log_shipping(draft: Draft, now: datetime) -> None:
    """Put into `logging.secret` what the pods need, and report what is wrong or missing."""
    logging = map_at(draft.effective(), "logging")
    if logging.get("enabled") is not True or logging.get("existingSecret"):
        return
    inside = logging.get("pipeline") != "external"
    if inside:
        _complete_password(draft)
        _from_files(draft, "broker", "", now)
    if map_at(logging, "tls").get("caCertificate"):
        _from_files(draft, "tls", str(logging.get("serviceName")) if inside else "", now)
        _copy_for_server(draft, inside)
    elif inside and _names_a_service(draft, logging.get("serviceName")):
        _made_here(draft, str(logging.get("serviceName")), now)
    _put_placeholders(draft)


def _names_a_service(draft: Draft, name: object) -> bool:
    """Whether the schema takes it, which says later what is wrong: no certificate can be made for every text."""
    return validator.is_valid(name, validation.key_rule(draft.schema, ("logging", "serviceName")), draft.schema)


def _complete_password(draft: Draft) -> None:
    draft.take_secret(BROKER_PASSWORD, formats.environment_variable(str(BROKER_PASSWORD[-1])))
    previous = find(draft.previous, BROKER_PASSWORD)
    if find(draft.site, BROKER_PASSWORD) is None and previous:
        draft.put(BROKER_PASSWORD, previous)
    password = find(draft.site, BROKER_PASSWORD)
    if password is None:
        place = nearest(draft.site, BROKER_PASSWORD)
        secret = formats.BROKER_PASSWORD_FORMAT
        sentence = f"missing; {secret.remedy}"
        draft.problems.append(MissingSecret(place, dotted(BROKER_PASSWORD), sentence, accepted=secret.accepted))
        return
    content = formats.decode(password.value) if isinstance(password.value, str) else None
    if content is not None and not _is_one_line(content):
        draft.problem(
            BROKER_PASSWORD, f"what it decodes to (not shown) is not {formats.BROKER_PASSWORD_FORMAT.accepted}"
        )


def _is_one_line(content: bytes) -> bool:
    try:
        return formats.BROKER_PASSWORD_FORMAT.matches(content.decode())
    except UnicodeDecodeError:
        return False


def _from_files(draft: Draft, part: str, hostname: str, now: datetime) -> None:
    """Read, check and encode the files that `logging.<part>` names: authorities, and a certificate with its key."""
    from jld.secrets import certificates, openssl  # loaded where a certificate is read: most sites need none of it

    given, names = map_at(draft.effective(), "logging", part), FILES[part]
    contents: dict[str, bytes] = {}
    for key, name in names.items():
        if isinstance(given.get(key), str) and given[key]:
            content = pem(draft, ("logging", part, key), (*LOGGING_SECRET, name))
            if content is not None:
                contents[key] = content
    faults: list[certificates.Fault] = []
    if "caCertificate" in contents:
        faults += certificates.authority_faults(contents["caCertificate"], now)
    if "certificate" in contents and "key" in contents:
        pair = certificates.Pair(contents["certificate"], contents["key"])
        # Whether a client's certificate stands alone matters to nobody but whom it is shown.
        faults += [each for each in certificates.faults(pair, hostname, now) if "stands alone" not in each.sentence]
        # Of the programs that show it, the relay alone uses OpenSSL. Whom it is shown may use it all the same.
        by_openssl = value_at(draft.effective(), "logging", "pipeline") == "relay"
        faults += [replace(each, warning=not by_openssl) for each in openssl.faults(pair)]
    for fault in faults:
        path: KeyPath = ("logging", part, fault.about)
        if given.get(fault.about) == f"in {dotted(LOGGING_SECRET)}":  # its text stands there, of an earlier run
            path = (*LOGGING_SECRET, names[fault.about])
        problem = Problem(nearest(draft.site, path), dotted(path), fault.sentence)
        (draft.warnings if fault.warning else draft.problems).append(problem)
    if "key" in contents and not any(fault.about == "key" for fault in faults):
        contents["key"] = certificates.pkcs8(contents["key"])
    for key in contents.keys() & {"caCertificate", "certificate"}:
        chain = certificates.chain_of(contents[key])
        contents[key] = contents[key] if isinstance(chain, str) else certificates.written_anew(chain)
    for key, content in contents.items():
        draft.put((*LOGGING_SECRET, names[key]), Node(formats.encode(content)))


def _copy_for_server(draft: Draft, inside: bool) -> None:
    for key, server in _SERVER.items() if inside else ():
        node = find(draft.site, (*LOGGING_SECRET, key))
        if node:
            draft.put((*LOGGING_SECRET, server), Node(node.value))


def _made_here(draft: Draft, service: str, now: datetime) -> None:
    """Those of an earlier run, else new ones."""
    from jld.secrets import log_shipping  # as above

    for root in (draft.site, draft.previous):
        secret = value_at(plain(root), *LOGGING_SECRET)
        earlier = _decoded(secret, log_shipping.KEYS) if isinstance(secret, dict) else {}
        if log_shipping.still_serve(earlier, service, now):
            break
    else:
        earlier = log_shipping.generate(service, now)
        draft.generated += [dotted((*LOGGING_SECRET, key)) for key in log_shipping.KEYS]
    for key, content in earlier.items():
        draft.put((*LOGGING_SECRET, key), Node(formats.encode(content)))


def _decoded(secret: JsonMap, keys: Iterable[str]) -> dict[str, bytes]:
    found = {key: formats.decode(secret[key]) for key in keys if isinstance(secret.get(key), str)}
    return {key: content for key, content in found.items() if content}


def _put_placeholders(draft: Draft) -> None:
    """Secrets whose absence is reported already, so that the schema does not report it again in worse words."""
    for path in draft.missing_secrets():
        if path[:-1] == LOGGING_SECRET:
            draft.put(path, Node(formats.encode("missing")))
