"""What looks like a secret is taken out of a text, and nothing else is."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from jld.support.masking import NOT_SHOWN, holds_secret, masked, masked_data

from ..conftest import pem

PEM = pem("MIIEowIBAAKCAQEA\nq83vEjRWeJ", "RSA PRIVATE KEY").rstrip()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (PEM, NOT_SHOWN),
        (f"key: {PEM}\nnext", f"key: {NOT_SHOWN}\nnext"),
        (PEM.replace("\n", " "), NOT_SHOWN),
        (PEM[:60], NOT_SHOWN),
        ("https://user:token@host/repo.git", f"https://{NOT_SHOWN}@host/repo.git"),
        ("https://user:to@ken/x@host/repo", f"https://{NOT_SHOWN}@host/repo"),
        ("https://token@host/repo.git@main", f"https://{NOT_SHOWN}@host/repo.git@main"),
        ("postgresql://jld:12345@db/jld", f"postgresql://{NOT_SHOWN}@db/jld"),
        ("https://host/x,https://user:token@host", f"https://host/x,https://{NOT_SHOWN}@host"),
        ("user:password@host", f"{NOT_SHOWN}@host"),
        ("a ghp_0123456789abcdefghij b", f"a {NOT_SHOWN} b"),
        ("github_pat_11ABCDEFG_0123456789abc", NOT_SHOWN),
        (JWT, NOT_SHOWN),
        ("0a" * 20, NOT_SHOWN),
        ("AGE-SECRET-KEY-1QQQQ", NOT_SHOWN),
        ("the secret is Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==", f"the secret is {NOT_SHOWN}"),
    ],
)
def test_a_secret_is_not_shown(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert holds_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/my-org/tutorials.git@main",
        "https://host:8443/repo@main",
        "https://idp.ncsa.illinois.edu/idp/shibboleth",
        "git@github.com:my-org/repo",
        "registry.example.org/jld/lab:1.0@sha256:" + "0a" * 32,
        "lab:1.0@sha256:" + "0a" * 32,
        "cilogon:/client_id/0123456789abcdef0123456789abcdef",
        "Iv1.8a61f9b3a7aba766",
        "alice@example.org",
        "hub.auth.cilogon.identityProviders",
        "uid=1000(alice) gid=1000(alice) groups=1000(alice)",
        "/home/alice/projects/jupyter-platform-2026/values-production.yaml",
        "-----",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert masked(text) == text
    assert not holds_secret(text)


def test_nested_data_is_masked_with_its_keys() -> None:
    data = {"a": [JWT, 1, None, True], JWT: {"b": "x"}}
    assert masked_data(data) == {"a": [NOT_SHOWN, 1, None, True], NOT_SHOWN: {"b": "x"}}


WORST = [
    *("a", "A", "0", "@", ":", "/", "-", " ", "a:", "a/", ":@", "://", "://@", "://a@", "://a:b", "://a:1/", "eyJ"),
    *("eyJaaaaaa.", "ghp_", "github_pat_", "-----BEGIN ", "-----BEGIN X-----", "-----END X-----", "A1a-", "sha256:"),
    "0" * 39 + "g",
]
SECONDS = 20  # of processor time for all of them; time in proportion to the square would be many minutes


def test_the_worst_text_takes_time_in_proportion() -> None:
    program = (
        "import sys; from jld.support.masking import masked\n"
        "for unit in sys.argv[1:]:\n"
        "    text = unit * (65536 // len(unit))\n"
        "    masked(text), masked(text + '@'), masked(text + '/@'), masked('@' + text)"
    )
    limit = (SECONDS, SECONDS)
    subprocess.run(
        [sys.executable, "-c", program, *WORST],
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
    )
