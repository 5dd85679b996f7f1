"""Login for local trials, without a provider."""

from collections.abc import Mapping
from secrets import compare_digest
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode

from jldhub.identity import blocked_sentence
from jldhub.login import blocked
from jldhub.support.refusal import Refusal


class DummyLogin(Authenticator):
    """One shared password for the users in `allowed_users`. Without a password nobody can log in."""

    password = Unicode(help="The password of everybody.").tag(config=True)

    async def authenticate(self, handler: Any, data: Mapping[str, str]) -> str | None:
        if not {"username", "password"} <= set(data):
            raise Refusal(400, "The form lacks a user name or a password. Log in again.")
        given, expected = data["password"].encode(), self.password.encode()
        return data["username"] if expected and compare_digest(given, expected) else None

    def check_blocked_users(self, username: str, authentication: Any = None) -> bool:
        if not super().check_blocked_users(username, authentication):
            raise Refusal(403, blocked_sentence(username))
        return True

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Any:
        """False logs the person out."""
        if user.name in self.blocked_users:
            blocked.end_tokens(user)
            return False
        return await super().refresh_user(user, handler, **kwargs)
