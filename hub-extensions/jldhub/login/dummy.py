"""Login for local trials: one password for the people whom the settings name."""

from collections.abc import Mapping
from secrets import compare_digest
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode

from jldhub.support.refusal import Refusal


class DummyLogin(Authenticator):
    """One password for the people that the settings name: for local trials only."""

    password = Unicode(help="The password of everybody.").tag(config=True)

    async def authenticate(self, handler: Any, data: Mapping[str, str]) -> str | None:
        if not {"username", "password"} <= set(data):
            raise Refusal(400, "The form lacks a user name or a password. Log in again.")
        given, wanted = data["password"].encode(), self.password.encode()
        return data["username"] if wanted and compare_digest(given, wanted) else None
