"""No command shows a secret, wherever in a file a person wrote it and in whatever form."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jld.schema.chart import Chart
from jld.schema.validation import key_paths
from jld.secrets import self_signed
from jld.site import yaml_writer

from ..conftest import CHECKOUT, GITHUB, Desk, pem

SCHEMA = Chart(CHECKOUT / "chart").schema()
KEYS = sorted(key_paths(SCHEMA), key=str)
# Where a person's own names stand below a key of the schema.
KEYS += [(*path, name) for path in KEYS for name in ("own", "first.example.org")]
PIECE = 9  # so many characters of a secret in a row are too many

letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
body = st.text(alphabet=letters + "0123456789", min_size=36, max_size=80).filter(
    lambda text: any(map(str.isupper, text)) and any(map(str.islower, text)) and any(map(str.isdigit, text))
)
hexadecimal = st.text(alphabet="0123456789abcdef", min_size=40, max_size=64)


def lines_of(text: str) -> str:
    return "\n".join(text[start : start + 16] for start in range(0, len(text), 16))


FORMS = {
    "PEM": lambda text: pem(lines_of(text), "RSA PRIVATE KEY"),
    "PEM in one line": lambda text: pem(text).replace("\n", " ").strip(),
    "PEM without an end": lambda text: pem(lines_of(text), end=False),
    "address": lambda text: f"https://user:{text}@host.example.org/repo.git@main",
    "address with a token alone": lambda text: f"https://{text}@host.example.org/repo.git",
    "database": lambda text: f"postgresql://jld:{text[:20]}@{text[20:]}@db.example.org/jld",
    "GitHub's token": lambda text: f"ghp_{text}",
    "GitHub's new token": lambda text: f"github_pat_{text}",
    "JWT": lambda text: f"eyJ{text[:12]}.{text[12:24]}.{text[24:]}",
    "alone": lambda text: text,
}


def secret_of(form: str, text: str) -> str:
    return str(FORMS[form](text))


def shown_pieces(text: str, output: str) -> list[str]:
    """The pieces of a secret that stand in an output, however its lines are broken there."""
    bare = "".join(output.replace("\\n", "").split())
    pieces = [text[start : start + PIECE] for start in range(0, len(text) - PIECE, 3)]
    return [piece for piece in pieces if piece in bare]


def planted(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    site: dict[str, Any] = yaml.safe_load(GITHUB)
    place = site
    for part in path[:-1]:
        inner = place.get(part)
        place[part] = inner if isinstance(inner, dict) else {}
        place = place[part]
    place[path[-1]] = value
    return site


SHAPES = {
    "value": lambda secret: secret,
    "entry": lambda secret: [secret],
    "entry below": lambda secret: {"a": [{"b": secret}]},
    "key": lambda secret: {secret: "x"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


COMMANDS = [
    ("check", "site.yaml"),
    ("check", "site.yaml", "--format", "json"),
    ("values", "plain.yaml", "--secrets", "site.yaml"),
    ("values", "site.yaml"),
    ("diff", "site.yaml", "plain.yaml"),
    ("diff", "plain.yaml", "site.yaml", "--format", "json"),
    ("rotate", "site.yaml"),
    ("init", "--from", "old.yaml", "-o", "new.yaml"),
    ("init", "--from", "old.yaml", "-o", "new.yaml", "--format", "json"),
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.sampled_from(COMMANDS),
    path=st.sampled_from(KEYS),
    form=st.sampled_from(sorted(FORMS)),
    shape=st.sampled_from(sorted(SHAPES)),
    text=st.one_of(body, hexadecimal),
)
def test_no_command_shows_a_secret(
    words: tuple[str, ...],
    path: tuple[Any, ...],
    form: str,
    shape: str,
    text: str,
    folder: Desk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder.folder)
    for old in folder.folder.iterdir():
        old.unlink()
    secret = SHAPES[shape](secret_of(form, text))
    folder.write("plain.yaml", GITHUB)
    folder.write("site.yaml", yaml_writer.block(planted(path, secret)))
    folder.write(
        "old.yaml",
        yaml_writer.block(
            {"hostname": secret, str(path[-1]): secret, "lab_size_range": secret, secret_of(form, text): "x"}
        ),
    )
    result = folder.run(*words, JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert shown_pieces(text, result.output) == [], result.output


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_secret_in_the_place_of_a_name_is_not_shown(form: str, desk: Desk) -> None:
    text = "Qm9iJ3MgdmVyeSBvd24gc2VjcmV0IHRleHQ0Mg"
    secret = secret_of(form, text)
    for words in (("check", secret), ("diff", secret), ("password", secret), ("init", "--from", secret)):
        result = desk.run(*words)
        assert result.exit_code == 1, words
        assert shown_pieces(text, result.output) == [], (words, result.output)


def test_an_address_with_credentials_is_refused_for_that_reason(complaints: Any) -> None:
    site = GITHUB.replace("\nhub: {", '\nhub: {lab: {repositories: ["https://me:t0ken@host/a.git"]}, ')
    assert complaints(site) == [
        'site.yaml:2:28: error: hub.lab.repositories[0]: found "https://(not shown)@host/a.git", which holds what looks like a '
        "secret, and would show it to others; write an address with a branch, like "
        "https://github.com/my-org/tutorials.git@main",
    ]


def inline(pair: Any) -> str:
    tls = {"certificate": pair.certificate.decode(), "key": pair.key.decode()}
    return GITHUB.replace("nginx: {tls: {existingSecret: jupyter-tls}}", "") + yaml_writer.block(
        {"nginx": {"tls": tls}}
    )


def test_a_certificate_in_the_site_file_itself_is_taken(desk: Desk) -> None:
    made = self_signed.generate("jupyter.example.org", datetime.now(UTC))
    desk.write("site.yaml", inline(made.pair))
    result = desk.run("values", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exit_code == 0
    assert "nginx.tls.key: the private key stands in the site file itself" in result.stderr
    nginx = desk.read()["nginx"]
    assert nginx["tls"] == {"certificate": "in nginx.secret", "key": "in nginx.secret"}
    assert base64.b64decode(nginx["secret"]["key"]) == made.pair.key
    assert base64.b64decode(nginx["secret"]["certificate"]) == made.pair.certificate
    again = desk.run("values", "site.yaml")
    assert "is up to date" in again.stdout
    assert desk.run("check", "values.yaml").exit_code == 0


def test_a_wrong_key_in_the_site_file_is_told_without_a_character_of_it(desk: Desk) -> None:
    one, other = (self_signed.generate("jupyter.example.org", datetime.now(UTC)) for _ in range(2))
    desk.write("site.yaml", inline(self_signed.Pair(one.pair.certificate, other.pair.key)))
    result = desk.run("check", "site.yaml", "--format", "json", JLD_GITHUB_CLIENT_SECRET="abc123")
    assert [mistake["key"] for mistake in json.loads(result.stdout)["mistakes"]] == ["nginx.tls.key"]
    secret = "".join(other.pair.key.decode().splitlines()[1:-1])
    assert shown_pieces(secret, result.output) == []
