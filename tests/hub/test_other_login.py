"""Any other class of oauthenticator: OpenID Connect, with the stand-in for CILogon as a provider of that kind."""

from collections.abc import Callable
from typing import Any

import pytest

from .browser import Browser
from .conftest import CILogon
from .deployment import Deployment

pytestmark = pytest.mark.slow

Deploy = Callable[..., Deployment]


def oidc(cilogon: CILogon, **changes: Any) -> dict[str, Any]:
    options = {
        "login_service": "our account",
        "authorize_url": f"{cilogon.url}/authorize",
        "token_url": f"{cilogon.url}/oauth2/token",
        "userdata_url": f"{cilogon.url}/oauth2/userinfo",
        "scope": ["openid", "email"],
        "username_claim": "preferred_username",
    }
    return {
        "admins": ["uma"],
        "other": {
            "class": "generic-oauth",
            "clientId": cilogon.people["client"]["id"],
            "options": options,
            "groups": {"claim": "isMemberOf", "allow": ["lsst_users"]},
            **changes,
        },
    }


async def test_openid_connect_follows_the_same_rules(cilogon: CILogon, deploy: Deploy) -> None:
    deployment = deploy(oidc(cilogon))
    deployment.start()
    deployment.wait()
    for login in ("Uma", "outsider", "groupless", "jane"):
        await cilogon.order(claims={login: cilogon.claims(login, preferred_username=login)})

    async with Browser(deployment.url) as browser:
        assert "Sign in with our account" in (await browser.get("/hub/login")).sentence
        assert (await browser.log_in_with_provider("Uma")).status == 200
        assert "/hub/admin" in (await browser.get("/hub/home")).text
    async with Browser(deployment.url) as browser:
        page = await browser.log_in_with_provider("outsider")
        assert (page.status, "is not a member of: lsst_users" in page.error) == (403, True)
    async with Browser(deployment.url) as browser:
        page = await browser.log_in_with_provider("groupless")
        assert (page.status, "your login has no claim isMemberOf" in page.error) == (403, True)
    for name in (None, ["uma"], {"a": 1}, "a/b", 5):
        await cilogon.order(claims={"jane": cilogon.claims("jane", preferred_username=name)})
        async with Browser(deployment.url) as browser:
            assert (await browser.log_in_with_provider("jane")).status == 403, name
    assert deployment.people() == {"uma": 2_000_000_000}


def test_a_class_or_an_option_that_is_not_there_stops_the_hub(cilogon_hub: Any, deploy: Deploy) -> None:
    cilogon = cilogon_hub[0]
    for changes, sentence in (
        ({"class": "generic-oath"}, "hub.auth.other.class: there is no 'generic-oath' in the hub's image; write one of auth0"),
        ({"class": "dummy"}, "hub.auth.other.class: 'dummy' is no class of oauthenticator"),
        ({"options": {"scope": "openid"}}, "hub.auth.other.options.scope: The 'scope' trait of a GenericOAuthenticator instance expected a list"),
        ({"class": "mediawiki"}, "hub.auth.other.class: 'mediawiki': it speaks another protocol"),
        ({"options": {"authorise_url": "x"}}, "hub.auth.other.options.authorise_url: GenericOAuthenticator has no such trait; did you mean authorize_url?"),
    ):  # fmt: skip
        deployment = deploy(oidc(cilogon, **changes))
        deployment.hub.start()
        assert deployment.hub.process is not None
        assert deployment.hub.process.wait(90) != 0
        assert sentence in deployment.hub.log()
        assert "Traceback" not in deployment.hub.log()
