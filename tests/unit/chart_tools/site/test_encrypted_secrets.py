"""Secrets files that are encrypted with age."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SECRETS = b"hub: {secret: {githubClientSecret: s3cret}}\n"


@pytest.fixture
def identity(desk: Any) -> pyrage.x25519.Identity:
    made = pyrage.x25519.Identity.generate()
    desk.write("keys.txt", f"# created: today\n# public key: {made.to_public()}\n{made}\n")
    return made


def given_secret(desk: Any) -> str:
    return base64.b64decode(desk.read()["hub"]["secret"]["githubClientSecret"]).decode()


@pytest.mark.parametrize("armored", [False, True])
def test_an_encrypted_file_is_opened_with_the_identity(
    armored: bool, github_desk: Any, identity: pyrage.x25519.Identity
) -> None:
    github_desk.write("mine.age", pyrage.encrypt(SECRETS, [identity.to_public()], armored=armored))
    words = ("values", "site.yaml", "--secrets", "mine.age")
    result = github_desk.run(*words, "--identity", "keys.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    assert given_secret(github_desk) == "s3cret"
    assert github_desk.run(*words, JLD_AGE_IDENTITY="keys.txt").stdout.startswith("values.yaml is up to date")
    # Nothing of it lies about.
    assert sorted(file.name for file in github_desk.folder.iterdir()) == [
        "keys.txt",
        "mine.age",
        "site.yaml",
        "values.yaml",
    ]


def test_the_encrypted_file_beside_the_site_file_is_found(github_desk: Any, identity: pyrage.x25519.Identity) -> None:
    github_desk.write("secrets.yaml.age", pyrage.encrypt(SECRETS, [identity.to_public()]))
    result = github_desk.run("check", "site.yaml", JLD_AGE_IDENTITY="keys.txt")
    assert (result.exit_code, result.stdout) == (0, "Secrets from secrets.yaml.age\nsite.yaml: good\n")


def test_an_ssh_key_opens_it_too(github_desk: Any) -> None:
    key = Ed25519PrivateKey.generate()
    github_desk.write("id_ed25519", key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    github_desk.write("mine.age", pyrage.encrypt(SECRETS, [pyrage.ssh.Recipient.from_str(public)]))
    result = github_desk.run("values", "site.yaml", "--secrets", "mine.age", "--identity", "id_ed25519")
    assert (result.exit_code, given_secret(github_desk)) == (0, "s3cret")


def test_a_mistake_inside_is_said_without_showing_a_secret(github_desk: Any, identity: pyrage.x25519.Identity) -> None:
    text = b"hub: {secret: {githubClientSecrt: s3cret}}\n"
    github_desk.write("mine.age", pyrage.encrypt(text, [identity.to_public()]))
    result = github_desk.run("values", "site.yaml", "--secrets", "mine.age", "--identity", "keys.txt")
    assert result.exit_code == 1
    assert "mine.age:1:35: error: hub.secret.githubClientSecrt: there is no such key in a secrets file" in result.stderr
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            [],
            "mine.age: error: encrypted with age; name the file of your identity: --identity FILE, or JLD_AGE_IDENTITY",
        ),
        (["--identity", "other.txt"], "mine.age: error: encrypted, and no identity in other.txt opens it"),
        (["--identity", "none.txt"], "none.txt: error: there is no such file; check its name"),
        (["--identity", "site.yaml"], "site.yaml: error: there is no identity in this file"),
        (["--identity", "broken.txt"], "broken.txt: error: the identity in this file is damaged"),
        (["--secrets", "cut.age", "--identity", "keys.txt"], "cut.age: error: encrypted, and damaged; copy it again"),
        (["--secrets", "phrase.age", "--identity", "keys.txt"], "phrase.age: error: encrypted with a pass phrase"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_what_cannot_be_opened_is_said_with_the_remedy(
    words: list[str], complaint: str, github_desk: Any, identity: pyrage.x25519.Identity
) -> None:
    content = pyrage.encrypt(SECRETS, [identity.to_public()])
    github_desk.write("mine.age", content)
    github_desk.write("cut.age", content[:-4])
    github_desk.write("phrase.age", pyrage.passphrase.encrypt(SECRETS, "a phrase"))
    github_desk.write("other.txt", str(pyrage.x25519.Identity.generate()))
    github_desk.write("broken.txt", "AGE-SECRET-KEY-1BROKEN\n")
    result = github_desk.run("values", "site.yaml", "--secrets", "mine.age", *words)
    assert (result.exit_code, complaint in result.stderr) == (1, True), result.stderr
    assert not Path("values.yaml").exists()
