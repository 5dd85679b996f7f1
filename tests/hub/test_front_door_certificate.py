"""The certificate of our nginx: read now and then, renewed without a restart, and never given up for one that cannot be used."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key

from tests.ports import free_port

from .front_door import FrontDoor, needs_nginx

pytestmark = needs_nginx
HOST = "jupyter.example.org"
CANNOT_BE_USED = "cannot be used, the last one is"


def elliptic() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def primes() -> Key:
    return rsa.generate_private_key(65537, 2048)


def few_primes() -> Key:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505


def certificate(key: Key, name: str, issuer: str, signer: Key) -> bytes:
    now = datetime.now(UTC)
    names = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, issuer))
    return (
        x509.CertificateBuilder(
            *reversed([*names]), key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
        )
        .add_extension(x509.BasicConstraints(ca=name != HOST, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def text_of(key: Key) -> bytes:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption())


def pair(make: Callable[[], Key] = elliptic) -> tuple[bytes, bytes]:
    """A certificate that signed itself, and its key."""
    key = make()
    return certificate(key, HOST, HOST, key), text_of(key)


def put(door: FrontDoor, found: tuple[bytes, bytes]) -> None:
    for name, text in zip(("tls.crt", "tls.key"), found, strict=True):
        (door.folder / "tls" / name).write_bytes(text)


def shown(door: FrontDoor, context: ssl.SSLContext | None = None) -> bytes:
    """The certificate that the front door shows in a new handshake."""
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", door.https_port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as stream,
    ):
        found = stream.getpeercert(binary_form=True)
    assert found
    return ssl.DER_cert_to_PEM_cert(found).encode()


def until_shown(door: FrontDoor, wanted: bytes) -> None:
    """By each of the workers: ten times in a row."""
    deadline = time.monotonic() + 20
    while {shown(door) for _ in range(10)} != {wanted}:
        assert time.monotonic() < deadline, "the certificate is not used"


@pytest.fixture
def first() -> tuple[bytes, bytes]:
    return pair()


@pytest.fixture
def new_door(tmp_path: Path, first: tuple[bytes, bytes]) -> Iterator[Callable[[int], FrontDoor]]:
    """A function that starts a front door that keeps its certificate for so many seconds."""
    doors = []

    def started(seconds: int) -> FrontDoor:
        door = FrontDoor(tmp_path, free_port(), free_port())
        doors.append(door)
        put(door, first)
        door.change("nginx/routes.conf", '/tls", 60)', f'/tls", {seconds})')
        door.start()
        return door

    yield started
    for door in doors:
        door.stop()


def test_the_files_are_not_read_for_each_handshake(
    new_door: Callable[[int], FrontDoor], first: tuple[bytes, bytes]
) -> None:
    door = new_door(600)
    put(door, pair())
    assert {shown(door) for _ in range(10)} == {first[0]}


@pytest.mark.parametrize("make", [elliptic, primes])
def test_a_renewed_certificate_is_used_without_a_restart(
    new_door: Callable[[int], FrontDoor], make: Callable[[], Key]
) -> None:
    door = new_door(0)
    for each in (make, elliptic):
        renewed = pair(each)
        put(door, renewed)
        until_shown(door, renewed[0])
    assert CANNOT_BE_USED not in door.log_path.read_text()


def test_a_renewed_chain_is_shown_whole(new_door: Callable[[int], FrontDoor], tmp_path: Path) -> None:
    root, middle, leaf = elliptic(), elliptic(), elliptic()
    (tmp_path / "root.crt").write_bytes(certificate(root, "root", "root", root))
    chain = certificate(leaf, HOST, "middle", middle) + certificate(middle, "middle", "root", root)
    door = new_door(0)
    put(door, (chain, text_of(leaf)))
    assert shown(door, ssl.create_default_context(cafile=tmp_path / "root.crt")) in chain


def glued(_: bytes, __: bytes) -> tuple[bytes, bytes]:
    """By `cat`, of files without a line end."""
    leaf, root = elliptic(), elliptic()
    issued, issuer = certificate(leaf, HOST, "root", root), certificate(root, "root", "root", root)
    return issued.rstrip() + issuer, text_of(leaf)


def by_a_weak_authority(_: bytes, __: bytes) -> tuple[bytes, bytes]:
    leaf, root = elliptic(), few_primes()
    return certificate(leaf, HOST, "root", root) + certificate(root, "root", "root", root), text_of(leaf)


# What is no pair, made of one.
NO_PAIRS: dict[str, Callable[[bytes, bytes], tuple[bytes, bytes]]] = {
    "no certificate": lambda _, key: (b"", key),
    "no key": lambda certificate, _: (certificate, b""),
    "half a certificate": lambda certificate, key: (certificate[:200], key),
    "half a key": lambda certificate, key: (certificate, key[:100]),
    "no text": lambda *_: (b"\xff" * 100, b"\0" * 100),
    "another's key": lambda certificate, _: (certificate, pair()[1]),
    "a key of another kind": lambda certificate, _: (certificate, pair(primes)[1]),
    "another's certificate": lambda _, key: (pair(primes)[0], key),
    "a chain in one line": glued,
    "a key that is too short": lambda *_: pair(few_primes),
    "an authority's key that is too short": by_a_weak_authority,
}


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("a key that is too short", "OpenSSL refuses the certificate in tls.crt: ee key too small"),
        ("an authority's key that is too short", "OpenSSL refuses the certificate in tls.crt: ca key too small"),
        ("another's key", "the key in tls.key is not that of the certificate in tls.crt"),
    ],
)
def test_the_log_says_why_a_renewed_pair_cannot_be_used(
    new_door: Callable[[int], FrontDoor], first: tuple[bytes, bytes], what: str, why: str
) -> None:
    """With the level of the log that it has by default."""
    door = new_door(0)
    put(door, NO_PAIRS[what](*pair()))
    deadline = time.monotonic() + 20
    while CANNOT_BE_USED not in door.log_path.read_text():
        assert shown(door) == first[0]
        assert time.monotonic() < deadline, "nobody is told"
    assert why in door.log_path.read_text()


@pytest.mark.parametrize("what", NO_PAIRS)
def test_what_is_no_pair_changes_nothing_and_is_told_once(
    new_door: Callable[[int], FrontDoor], first: tuple[bytes, bytes], what: str
) -> None:
    door = new_door(0)
    renewed = pair()
    put(door, NO_PAIRS[what](*renewed))
    deadline = time.monotonic() + 20
    while CANNOT_BE_USED not in door.log_path.read_text():
        assert shown(door) == first[0]
        assert time.monotonic() < deadline, "nobody is told"
    for _ in range(20):
        assert shown(door) == first[0]
    assert door.log_path.read_text().count(CANNOT_BE_USED) <= 2  # by each of the workers
    assert "stale" not in door.log_path.read_text()
    put(door, renewed)
    until_shown(door, renewed[0])


def test_files_that_are_gone_change_nothing(new_door: Callable[[int], FrontDoor], first: tuple[bytes, bytes]) -> None:
    door = new_door(0)
    (door.folder / "tls" / "tls.key").unlink()
    assert {shown(door) for _ in range(10)} == {first[0]}
    assert CANNOT_BE_USED in door.log_path.read_text()


@pytest.mark.parametrize("what", NO_PAIRS)
def test_without_a_pair_it_does_not_start_and_says_why(tmp_path: Path, what: str) -> None:
    door = FrontDoor(tmp_path, free_port(), free_port())
    put(door, NO_PAIRS[what](*pair()))
    with pytest.raises(AssertionError, match=r"tls\.(crt|key)"):
        door.start()
    door.stop()
