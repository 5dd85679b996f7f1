"""The secret files are looked at before anything starts, and no value of them is shown."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.logstash.secret_files import CLIENT, NEEDED, Login, read
from jldlogging.logstash.settings import SettingsError


def key(form: PrivateFormat, password: bytes = b"") -> bytes:
    """A private key as PEM, made now."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, form, encryption)


CONTENTS = {
    "brokerPassword": b"pass word",
    "brokerCaCertificate": b"authorities",
    "caCertificate": b"authorities",
    "serverCertificate": b"certificate",
    "serverKey": key(PrivateFormat.PKCS8),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_the_login_is_read(folder: Path) -> None:
    assert read(folder) == Login("pass word")
    for key in CLIENT:
        (folder / key).write_text("x")
    assert read(folder) == Login("pass word", has_certificate=True)


@given(password=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_password_is_read_as_it_is_but_for_line_ends_around_it(
    password: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("secret")
    for name, content in (CONTENTS | {"brokerPassword": f"{password}x\n".encode()}).items():
        (folder / name).write_bytes(content)

    assert read(folder).password == f"{password}x".lstrip("\r\n")


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path)

    sentences = str(error.value).splitlines()
    assert [sentence.split(":")[0] for sentence in sentences] == [f"secret {key}" for key in NEEDED]
    assert all("add " in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("brokerPassword", b"", "secret brokerPassword: is empty; write a value"),
        ("brokerPassword", b"\r\n", "secret brokerPassword: is empty; write a value"),
        ("brokerPassword", b"topsecret\0", "secret brokerPassword: has a NUL character"),
        ("brokerPassword", b"topsecret\xff", "secret brokerPassword: is not text"),
        ("serverKey", key(PrivateFormat.TraditionalOpenSSL) + b"topsecret", "secret serverKey: is no key in PKCS8"),
        ("serverKey", key(PrivateFormat.PKCS8, b"pass") + b"topsecret", "secret serverKey: is no key in PKCS8"),
        ("brokerKey", b"topsecret", "secret brokerCertificate: "),
        ("brokerCertificate", b"topsecret", "secret brokerKey: "),
    ],
)
def test_a_mistake_is_named_and_the_value_is_not(folder: Path, name: str, content: bytes, sentence: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SettingsError) as error:
        read(folder)

    assert str(error.value).startswith(sentence)
    assert "topsecret" not in str(error.value)
