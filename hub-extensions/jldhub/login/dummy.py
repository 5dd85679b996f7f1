"""Login for local trials, without a provider."""

from collections.abc import Mapping
from secrets import compare_digest
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode

from jldhub.support.refusal import Refusal


class DummyLogin(Authenticator):
    """One shared password for the users in `allowed_users`. Without a password nobody can log in."""

    password = Unicode(help="The password of everybody.").tag(config=True)

    async def authenticate(self, handler: Any, data: Mapping[str, str]) -> str | None:
        if not {"username", "password"} <= set(data):
            raise Refusal(400, "The form lacks a user name or a password. Log in again.")
        given, expected = data["password"].encode(), self.password.encode()
        return data["username"] if expected and compare_digest(given, expected) else None
