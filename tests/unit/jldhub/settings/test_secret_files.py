"""The hub's secrets."""

from pathlib import Path

import pytest
from jldhub.settings.secret_files import HubSecrets, SecretError
from jldhub.settings.settings import Settings


@pytest.fixture
def github(settings: Settings, secret_directory: Path) -> Settings:
    return settings.model_copy(update={"secret_directory": secret_directory})


def test_only_what_the_settings_call_for_is_read(github: Settings, secret_directory: Path) -> None:
    (secret_directory / "dummyPassword").unlink()
    (secret_directory / "dbUrl").unlink()
    assert HubSecrets.load(github) == HubSecrets(
        cookie_secret=bytes.fromhex("ab" * 32),
        crypt_keys=[bytes.fromhex("cd" * 32), bytes.fromhex("ef" * 32)],
        proxy_token="12" * 32,
        client_secret="the client secret",
    )


def test_every_mistake_is_told_without_a_value(github: Settings, secret_directory: Path) -> None:
    (secret_directory / "proxyToken").unlink()
    (secret_directory / "cookieSecret").write_text("hunter2")
    (secret_directory / "cryptKeys").write_text("cd" * 32 + ";hunter3")
    (secret_directory / "githubClientSecret").write_text("\n")
    with pytest.raises(SecretError) as raised:
        HubSecrets.load(github)
    told = str(raised.value)
    assert [sentence.split(":")[0] for sentence in raised.value.sentences] == [
        "secret cookieSecret",
        "secret cryptKeys",
        "secret proxyToken",
        "secret githubClientSecret",
    ]
    assert "add proxyToken to hub.secret, or to the Secret that hub.existingSecret names" in told
    assert "hunter" not in told


def test_a_line_end_at_the_end_is_not_part_of_a_secret(github: Settings, secret_directory: Path) -> None:
    (secret_directory / "githubClientSecret").write_text("the client secret\n")
    assert HubSecrets.load(github).client_secret == "the client secret"


def test_secrets_do_not_show_in_a_traceback(github: Settings) -> None:
    assert repr(HubSecrets.load(github)) == "HubSecrets()"
