"""The hub's secrets."""

from pathlib import Path
from urllib.parse import quote

import pytest
from jldhub.settings.secret_files import HubSecrets, SecretError, database_address
from jldhub.settings.settings import Settings
from sqlalchemy.engine import make_url


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


@pytest.mark.parametrize("character", "@/?#")
@pytest.mark.parametrize("password", ["Hunter{}secret", "{}Hunter", "Hunter{}", "1{}2", "Hun{0}ter{0}", "x@y{}z"])
def test_a_password_that_ends_early_is_refused_and_not_shown(character: str, password: str) -> None:
    """Else the rest of it is the host's name, in a message, or the database's."""
    written = password.format(character)
    with pytest.raises(ValueError, match="write %40, %2F, %3F or %23") as told:
        database_address(f"postgresql://jld:{written}@127.0.0.1/jld")
    assert "Hunter" not in str(told.value)
    address = f"postgresql://jld:{quote(written, safe='')}@127.0.0.1/jld"
    assert make_url(database_address(address)).password == written


@pytest.mark.parametrize(
    "address",
    ["postgresql://db/jld", "postgresql://jld@[fe80::1]:5432/jld?sslmode=require", "sqlite:////srv/x", "no address"],
)
def test_other_addresses_are_as_they_are(address: str) -> None:
    assert database_address(address) == address
