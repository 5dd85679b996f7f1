"""Ask OpenSSL about certificates: load them as nginx does when it starts, and shake hands with them.

The library that parses them elsewhere takes much that OpenSSL does not.
"""

from __future__ import annotations

import secrets
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from jld.secrets import certificates
from jld.secrets.certificates import Fault, Pair, chain_of, name_of

# The front door's, at the level that Debian's OpenSSL has, whatever this machine's is told.
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:@SECLEVEL=2"
)
_TURNS = 6  # of a handshake, which has fewer
_ANOTHER_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_CURVES = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
_NAMES = {curve.name for curve in _CURVES}
_LEAST_BITS, _LEAST_BITS_EC = 2047, 224  # of OpenSSL's level 2
_GET = "get one with a key of RSA with 2048 bits or more, or of the curve P-256 or P-384"


def server_faults(pair: Pair, hostname: str, now: datetime) -> Iterator[Fault]:
    """Everything that is wrong with `pair` for the front door called `hostname`."""
    yield from certificates.faults(pair, hostname, now)
    yield from faults(pair)
    yield from _faults_of_use(pair)


def faults(pair: Pair) -> Iterator[Fault]:
    """What OpenSSL refuses of a pair that is whole: written anew, so what it looks like is no matter."""
    chain = chain_of(pair.certificate)
    if isinstance(chain, str):
        return
    leaf, own = chain[0].public_key(), _private_key(pair.key)
    # OpenSSL looks at certificates before it compares them with a key.
    key = own or ec.generate_private_key(ec.SECP256R1())
    context = _context()
    refused = _refused(context, certificates.written_anew(chain), key)
    if refused in _ANOTHER_KEY and (own is None or own.public_key() != leaf):
        refused = ""  # that the key is another one is told otherwise
        connects = not isinstance(leaf, dsa.DSAPublicKey) and getattr(leaf, "curve", _CURVES[0]).name in _NAMES
    else:
        connects = bool(refused) or _shakes_hands(context)
    if refused:
        yield Fault("certificate", _sentence(chain, refused))
    elif not connects:
        sentence = f"no browser and no program connects with a key of this kind ({_kind(chain[0])}); {_GET}"
        yield Fault("certificate", sentence)


def faults_as_it_stands(pem: bytes) -> Iterator[Fault]:
    """What is wrong with certificates that nobody writes anew, and whose key is not known."""
    unread = unread_part(pem)
    if unread:
        yield Fault("certificate", unread)
    else:
        yield from faults(Pair(pem, b""))
        yield from _faults_of_use(Pair(pem, b""))


def unread_part(pem: bytes) -> str:
    """That OpenSSL reads less of PEM text than there is, with the remedy; empty where it reads all."""
    chain = chain_of(pem)
    if isinstance(chain, str):
        return ""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(ssl.SSLError):  # what came before the fault is counted
        context.load_verify_locations(cadata=pem.decode("ascii", errors="replace").replace("\ufffd", "?"))
    wanted, read = len(set(chain)), context.cert_store_stats()["x509"]
    if read >= wanted:
        return ""
    of_all = f"{read} of its {wanted} certificates" if wanted > 1 else "no certificate in it"
    remedy = "write each BEGIN and END on a line of its own, with nothing before or behind it"
    return f"OpenSSL reads {of_all}, so handshakes fail; {remedy}"


def weak_ones(chain: Sequence[x509.Certificate]) -> Iterator[str]:
    """The authorities whose keys are too short for OpenSSL: with such a one it trusts nobody."""
    for each in chain:
        if _is_weak(each):
            yield f"the key of {name_of(each.subject)} has {_bits(each)} bits, too few for OpenSSL"


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(_CIPHERS)
    return context


def _private_key(pem: bytes) -> PrivateKeyTypes | None:
    try:
        return load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _refused(context: ssl.SSLContext, certificate: bytes, key: PrivateKeyTypes) -> str:
    """OpenSSL's word for what it refuses. It reads files alone: the key is in one under a password that nobody learns."""
    password = secrets.token_hex(16)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        for name, content in zip(names, (certificate, locked), strict=True):
            name.write_bytes(content)
        try:
            context.load_cert_chain(*names, password=password)
        except ssl.SSLError as error:
            return error.reason or "it cannot be read"
    return ""


def _shakes_hands(server: ssl.SSLContext) -> bool:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE  # who signed it is another matter
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    done = set()
    for _ in range(_TURNS):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
            done.add(end)
    return len(done) == len(ends)


def _sentence(chain: Sequence[x509.Certificate], reason: str) -> str:
    so = "so every handshake fails"
    if reason.endswith("_KEY_TOO_SMALL"):
        weak = next((each for each in chain if _is_weak(each)), chain[0])
        return f"the key of {name_of(weak.subject)} has {_bits(weak)} bits, too few for OpenSSL, {so}; {_GET}"
    if reason.endswith("_MD_TOO_WEAK"):
        broken = next((each for each in chain if _digest(each) in ("md5", "sha1")), chain[0])
        remedy = "get one that is signed with SHA-256"
        return f"{name_of(broken.subject)} is signed with {_digest(broken)}, which OpenSSL refuses, {so}; {remedy}"
    if reason in _ANOTHER_KEY:  # of a kind that is written in two ways
        reason = "the certificate wants another kind of key than it has"
    return f"OpenSSL does not take it ({reason}), {so}; {_GET}"


def _bits(certificate: x509.Certificate) -> int:
    return getattr(certificate.public_key(), "key_size", 0)


def _is_weak(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.key_size < _LEAST_BITS_EC
    return isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < _LEAST_BITS


def _digest(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "an unknown digest"
    return algorithm.name if algorithm else "none"


def _kind(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey")


def _faults_of_use(pair: Pair) -> Iterator[Fault]:
    """What OpenSSL takes, and browsers do not."""
    chain = chain_of(pair.certificate)
    if isinstance(chain, str):
        return
    key = chain[0].public_key()
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp521r1"
    ):
        sentence = f"Chrome and others that are built like it connect with no key of this kind ({_kind(chain[0])})"
        yield Fault("certificate", f"{sentence}; {_GET}", warning=True)
    try:
        uses = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(uses):
        yield Fault("certificate", "it is not meant for servers, so browsers refuse it; get one with serverAuth")
