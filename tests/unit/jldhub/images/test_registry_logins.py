"""Which login is for which image, how a registry asks for it, and where it may be sent."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.images.registry.challenge import Challenge, belongs, challenges
from jldhub.images.registry.credentials import Keyring, Login
from jldhub.images.registry.errors import RegistryConfigurationError
from jldhub.images.registry.reference import parse
from yarl import URL

SECRET = "pa55word"


def keyring(*hosts: str) -> Keyring:
    """With a login for each, whose password is what it is for."""
    auths = {host: {"auth": base64.b64encode(f"ann:{host}".encode()).decode()} for host in hosts}
    return Keyring.read({"pull": json.dumps({"auths": auths})})


# As the kubelet's own tests have them, and some more.
@pytest.mark.parametrize(
    ("image", "hosts", "used"),
    [
        ("quay.io/a/lab", ["quay.io"], ["quay.io"]),
        ("quay.io/a/lab", ["https://quay.io"], ["https://quay.io"]),
        ("quay.io/a/lab", ["https://quay.io/v2/"], ["https://quay.io/v2/"]),
        (
            "quay.io/a/lab",
            ["quay.io/a", "quay.io", "quay.io/b", "quay.io/a/lab"],
            ["quay.io/a/lab", "quay.io/a", "quay.io"],
        ),
        ("quay.io/coreos/etcd", ["quay.io/core"], ["quay.io/core"]),
        ("quay.io/a/lab", ["ghcr.io", "io", "my.quay.io", "quay.io:5000"], []),
        ("r.example.org:5000/lab", ["r.example.org:5000"], ["r.example.org:5000"]),
        ("r.example.org:5000/lab", ["r.example.org"], []),
        ("r.example.org/lab", ["*.example.org", "*.*.org", "*", "*.org"], ["*.example.org", "*.*.org"]),
        ("r.example.org/lab", ["*.example.org", "r.example.org"], ["r.example.org", "*.example.org"]),
        ("lsstsqre/sciplat-lab", ["https://index.docker.io/v1/"], ["https://index.docker.io/v1/"]),
        ("docker.io/lsstsqre/sciplat-lab", ["index.docker.io"], ["index.docker.io"]),
        ("python", ["docker.io"], ["docker.io"]),
        ("python", ["docker.io/library", "https://index.docker.io/v1/"], ["docker.io/library"]),
        ("python", ["quay.io"], []),
    ],
)
def test_the_login_for_an_image(image: str, hosts: list[str], used: list[str]) -> None:
    assert [login.password for login in keyring(*hosts).logins(parse(image).repository)] == used


def test_several_secrets_have_logins_for_one_host() -> None:
    documents = {
        "one": json.dumps({"auths": {"quay.io": {"username": "ann", "password": SECRET}}}),
        "two": json.dumps({"auths": {"quay.io": {"auth": "Ym9iOng6eQ"}}}).encode(),  # without padding, with a colon
    }

    assert Keyring.read(documents).logins(parse("quay.io/lab").repository) == (
        Login("ann", SECRET),
        Login("bob", "x:y"),
    )


def test_a_login_as_a_header_and_never_as_a_text() -> None:
    login = Login("jos\u00e9", SECRET)

    assert base64.b64decode(login.basic.removeprefix("Basic ")).decode() == f"jos\u00e9:{SECRET}"
    assert SECRET not in repr(Keyring((("quay.io", login),))) + str(login)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (f"{SECRET}", "it is no .dockerconfigjson"),
        ('{"credHelpers": {}}', "it is no .dockerconfigjson"),
        ('{"auths": ["pa55word"]}', "it is no .dockerconfigjson"),
        ('{"auths": {"quay.io": "pa55word"}}', "the login for 'quay.io' cannot be read"),
        ('{"auths": {"quay.io": {"auth": "pa55word"}}}', "the login for 'quay.io' cannot be read"),
        ('{"auths": {"quay.io": {"auth": "%%pa55word"}}}', "the login for 'quay.io' cannot be read"),
        ('{"auths": {"quay.io": {"auth": 55}}}', "the login for 'quay.io' cannot be read"),
        ('{"auths": {"[quay.io": {"username": "a", "password": "pa55word"}}}', "cannot be read"),
        ("[" * 100_000, "it is no .dockerconfigjson"),
        (b"\xff\xfe\x00", "it is no .dockerconfigjson"),
    ],
)
def test_a_document_that_cannot_be_read(document: str | bytes, why: str) -> None:
    with pytest.raises(RegistryConfigurationError) as refused:
        Keyring.read({"the pull Secret lab-images": document})

    assert str(refused.value).startswith("the pull Secret lab-images: ")
    assert why in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            [
                'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
            ],
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (["Basic realm=registry"], [Challenge("basic", {"realm": "registry"})]),
        (['BASIC Realm="a, \\"b\\" = c"'], [Challenge("basic", {"realm": 'a, "b" = c'})]),
        (
            ['Negotiate, Bearer realm="https://a/", service=b , Basic realm="c d"'],
            [
                Challenge("negotiate", {}),
                Challenge("bearer", {"realm": "https://a/", "service": "b"}),
                Challenge("basic", {"realm": "c d"}),
            ],
        ),
        (["Negotiate", 'Basic realm="x"'], [Challenge("negotiate", {}), Challenge("basic", {"realm": "x"})]),
        (['realm="x"', "", ",,", "=", '"'], []),
    ],
)
def test_how_a_registry_wants_to_be_asked(headers: list[str], found: list[Challenge]) -> None:
    assert list(challenges(headers)) == found


@given(st.lists(st.one_of(st.text(), st.text(alphabet='Bearer=",\\ ', max_size=40))))
def test_whatever_a_registry_says_is_read(headers: list[str]) -> None:
    assert all(challenge.scheme for challenge in challenges(headers))


@pytest.mark.parametrize(
    ("registry", "realm", "sent"),
    [
        ("registry-1.docker.io", "auth.docker.io", True),
        ("ghcr.io", "ghcr.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("registry.example.org:5000", "registry.example.org", True),
        ("registry.example.org", "auth.registry.example.org", True),
        ("registry.apps.example.org", "login.apps.example.org", True),
        ("example.org", "auth.example.org", True),
        ("192.0.2.7:5000", "192.0.2.7", True),
        ("localhost:5000", "localhost", True),
        ("registry.example.org", "example.org.evil.net", False),
        ("registry.example.org", "evilexample.org", False),
        ("registry.example.org", "evil.net", False),
        ("registry.apps.example.org", "login.example.org", False),
        ("quay.io", "evil.io", False),
        ("example.org", "evil.org", False),
        ("example.co.uk", "evil.co.uk", False),
        ("example.com.au", "evil.com.au", False),
        ("registry.example.co.uk", "auth.example.co.uk", True),
        ("192.0.2.7", "193.0.2.7", False),
        ("192.0.2.7", "192.0.2.8", False),
        ("localhost", "127.0.0.1", False),
        ("registry", "auth", False),
    ],
)
def test_a_login_is_sent_only_to_a_token_server_of_the_registrys_owner(registry: str, realm: str, sent: bool) -> None:
    assert belongs(URL(f"https://{realm}/token"), URL(f"https://{registry}/v2/")) is sent
