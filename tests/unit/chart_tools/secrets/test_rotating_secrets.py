"""`jld rotate`, and what JupyterHub itself makes of the keys that it writes."""

from __future__ import annotations

import base64
import stat
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from jld.secrets.formats import HUB_SECRETS
from jld.secrets.rotation import CONSEQUENCES, rotation_note, too_early
from jld.values.values_file import HEADER
from jupyterhub.crypto import CryptKeeper

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATE = {"access_token": "gho_abc", "scope": ["read:org"]}


@pytest.fixture
def values_desk(local_desk: Any) -> Any:
    assert local_desk.run("values", "site.yaml").exit_code == 0
    return local_desk


def held(desk: Any, name: str = "cryptKeys") -> str:
    return base64.b64decode(desk.read()["hub"]["secret"][name]).decode()


def rotate(desk: Any, *words: str) -> None:
    result = desk.run("rotate", *words)
    assert (result.exit_code, result.stderr) == (0, "")


def keeper(desk: Any) -> CryptKeeper:
    """What the hub makes of the keys, apart from the one that a hub in this process would use."""
    return CryptKeeper(keys=held(desk).split(";"))


async def test_a_rotation_puts_a_new_key_in_front_and_keeps_the_one_that_encrypted(values_desk: Any) -> None:
    first, second = held(values_desk).split(";")
    rotate(values_desk)
    new, former = held(values_desk).split(";")
    assert (former, len(new)) == (first, 64)
    assert new not in (first, second)


async def test_what_was_encrypted_before_a_rotation_is_readable_after_it(values_desk: Any) -> None:
    encrypted = await keeper(values_desk).encrypt(STATE)
    rotate(values_desk)
    assert await keeper(values_desk).decrypt(encrypted) == STATE


async def test_what_the_hub_read_between_two_rotations_is_readable_after_both(values_desk: Any) -> None:
    encrypted = await keeper(values_desk).encrypt(STATE)
    rotate(values_desk)
    hub = keeper(values_desk)
    encrypted = await hub.encrypt(await hub.decrypt(encrypted))  # as JupyterHub does whenever it reads
    rotate(values_desk, "--force")
    assert await keeper(values_desk).decrypt(encrypted) == STATE


async def test_what_nobody_read_between_two_rotations_is_gone_with_its_key(values_desk: Any) -> None:
    encrypted = await keeper(values_desk).encrypt(STATE)
    rotate(values_desk)
    rotate(values_desk, "--force")
    with pytest.raises(InvalidToken):
        await keeper(values_desk).decrypt(encrypted)


def test_a_second_rotation_within_a_day_wants_to_be_meant(values_desk: Any) -> None:
    rotate(values_desk)
    before = (values_desk.folder / "values.yaml").read_bytes()
    result = values_desk.run("rotate")
    assert result.exit_code == 1
    assert result.stderr.startswith("values.yaml: error: hub.secret.cryptKeys: the keys were rotated on 20")
    assert "Wait a day, or add --force" in result.stderr
    assert (values_desk.folder / "values.yaml").read_bytes() == before


def test_the_time_of_the_last_rotation_outlives_the_next_run_of_values(values_desk: Any) -> None:
    rotate(values_desk)
    rotated = (values_desk.folder / "values.yaml").read_bytes()
    assert "values.yaml is up to date" in values_desk.run("values", "site.yaml").stdout
    assert (values_desk.folder / "values.yaml").read_bytes() == rotated
    values_desk.write("more.yaml", "hub: {culling: {idleTimeout: 1h}}\n")
    values_desk.run("values", "site.yaml", "more.yaml")
    assert values_desk.run("rotate").exit_code == 1


@pytest.mark.parametrize(
    ("earlier", "early"),
    [
        (rotation_note(NOW), True),
        (rotation_note(NOW - timedelta(hours=23)), True),
        (rotation_note(NOW - timedelta(hours=25)), False),
        ("", False),
        ("crypto keys rotated on a Sunday", False),
    ],
)
def test_a_day_after_a_rotation_the_next_one_is_welcome(earlier: str, early: bool) -> None:
    assert (too_early(earlier, NOW) is not None) is early


def test_a_single_key_gets_a_second_one(values_desk: Any) -> None:
    values_desk.run("values", "site.yaml", JLD_CRYPT_KEYS="ab" * 32)
    assert held(values_desk) == "ab" * 32
    rotate(values_desk)
    assert held(values_desk).endswith(f";{'ab' * 32}")


@pytest.mark.parametrize("name", ["cookieSecret", "proxyToken", "dummyPassword"])
def test_another_secret_is_rotated_by_name_and_alone(name: str, values_desk: Any) -> None:
    before = values_desk.read()
    result = values_desk.run("rotate", "--secret", name)
    assert f"Rotated hub.secret.{name}. {CONSEQUENCES[name]}" in result.stdout
    after = values_desk.read()
    assert before["hub"]["secret"].pop(name) != after["hub"]["secret"].pop(name)
    assert after == before
    assert values_desk.run("check", "values.yaml").exit_code == 0


def test_every_secret_that_can_be_generated_can_be_rotated() -> None:
    assert set(CONSEQUENCES) == {name for name, kind in HUB_SECRETS.items() if kind.generate}


def test_a_rotation_keeps_the_file_private_and_shows_no_secret(values_desk: Any) -> None:
    file = values_desk.folder / "values.yaml"
    file.chmod(0o644)
    result = values_desk.run("rotate", "--secret", "cryptKeys", "--secret", "dummyPassword")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = [key for key in (*held(values_desk).split(";"), held(values_desk, "dummyPassword")) if key in result.output]
    assert shown == []


@pytest.mark.parametrize(
    ("text", "words", "complaint"),
    [
        (None, ["none.yaml"], "none.yaml: error: there is no such file; check its name"),
        (HEADER, [], "values.yaml:1:1: error: hub.secret.cryptKeys: this file holds none to rotate; run `jld values` first"),
        ("hub: {}\n", [], "values.yaml: error: `jld values` did not write this file, and its comments would be lost"),
        (
            HEADER + "hub: {existingSecret: mine, secret: {cryptKeys: YWI=}}\n",
            [],
            "values.yaml:3:49: error: hub.secret.cryptKeys: hub.existingSecret names the Secret to use; "
            "rotate it where that Secret is made",
        ),
        (
            HEADER + "hub: {secret: {cryptKeys: YWI=}}\n",
            [],
            "values.yaml:3:27: error: hub.secret.cryptKeys: what it decodes to (not shown) is not keys of 64 hex digits",
        ),
        (
            HEADER + "hub: {secret: {cryptKeys: '!'}}\n",
            [],
            "values.yaml:3:27: error: hub.secret.cryptKeys: what stands here (not shown) is not base64",
        ),
        (
            HEADER,
            ["--secret", "githubClientSecret"],
            "error: hub.secret.githubClientSecret: only its issuer can make a new one; "
            "then give it to `jld values` as JLD_GITHUB_CLIENT_SECRET or in secrets.yaml",
        ),
        (
            HEADER,
            ["--secret", "cookie"],
            "error: hub.secret.cookie: cannot be rotated here; write one of cryptKeys, cookieSecret",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_rotated_is_a_sentence(text: str | None, words: list[str], complaint: str, desk: Any) -> None:
    if text is not None:
        desk.write("values.yaml", text)
    result = desk.run("rotate", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith(complaint)
    assert text is None or (desk.folder / "values.yaml").read_text() == text
