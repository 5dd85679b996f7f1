"""Login with GitHub: allow and deny lists of organizations and teams.

Memberships are read with the person's own token.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from oauthenticator.github import GitHubOAuthenticator
from requests.utils import parse_header_links
from tornado.httpclient import HTTPResponse
from traitlets import Bool, List, Unicode

from jldhub.identity import github_identity
from jldhub.login.admission import IsMember, MembershipUnknown, Rule, refuse_denied, require_allowed
from jldhub.login.people import Account
from jldhub.login.provider.errors import NOT_UNDERSTOOD, message
from jldhub.login.provider.login import ProviderLogin
from jldhub.login.provider.requests import AuthModel

_MOST_PAGES = 50  # of a list, with a hundred entries each


class GitHubLogin(ProviderLogin, GitHubOAuthenticator):
    """GitHub with a deny list, and with a message for every refusal."""

    allow_organizations = List(Unicode(), help="Organizations, or `org:team`, whose members are admitted.").tag(
        config=True
    )
    deny_organizations = List(Unicode(), help="The same, for members who are never admitted.").tag(config=True)
    read_groups = Bool(False, help="Whether to read organizations, which are groups in a lab.").tag(config=True)
    read_teams = Bool(False, help="Whether to read teams too.").tag(config=True)

    def account(self, model: AuthModel) -> Account:
        uid = github_identity(model["auth_state"]).uid
        return Account(urlsplit(self.github_url).netloc.lower(), str(uid), _login(model).lower(), uid)

    def memberships(self, model: AuthModel) -> Iterable[str]:
        return github_identity(model["auth_state"]).memberships

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        login = user_info.get("login")
        if not isinstance(login, str) or not login:
            raise self.unavailable(NOT_UNDERSTOOD)
        return login

    def build_auth_state_dict(self, token_info: dict[str, Any], user_info: dict[str, Any]) -> dict[str, Any]:
        """Split the granted scopes at commas too. GitHub uses commas, and oauthenticator splits at blanks only."""
        state: dict[str, Any] = super().build_auth_state_dict(token_info, user_info)
        state["scope"] = [scope for entry in state["scope"] for scope in entry.replace(",", " ").split()]
        return state

    async def update_auth_model(self, auth_model: AuthModel) -> AuthModel:
        """Record the e-mail address, and the organizations and teams with their IDs, in the auth state.

        Replaces oauthenticator's method, which accepts an unverified address and reads one page of teams.
        """
        state = auth_model["auth_state"]
        may_read = "read:org" in state["scope"]
        # Concurrently, because each response of GitHub takes a tenth of a second or more.
        address, organizations, teams = await asyncio.gather(
            self._address(state),
            self._list("user/orgs", state) if self.read_groups and may_read else _empty_list(),
            self._list("user/teams", state) if self.read_teams and may_read else _empty_list(),
        )
        state["github_user"]["email"] = address
        state["organizations"] = [{"login": entry.get("login"), "id": entry.get("id")} for entry in organizations]
        state["teams"] = [
            {
                "slug": entry.get("slug"),
                "id": entry.get("id"),
                "organization": (entry.get("organization") or {}).get("login"),
            }
            for entry in teams
        ]
        return auth_model

    async def require_not_denied(self, model: AuthModel) -> None:
        await refuse_denied("GitHub", _login(model), _rules(self.deny_organizations), self._membership_check(model))

    async def require_admitted(self, model: AuthModel) -> None:
        rules = _rules(self.allow_organizations)
        # No request for what the lists of this login tell already. What they do not tell may be hidden from the hub's app.
        if not _memberships(model).isdisjoint(str(rule).casefold() for rule in rules):
            return
        await require_allowed("GitHub", _login(model), rules, self._membership_check(model))

    def _membership_check(self, model: AuthModel) -> IsMember:
        """Reads memberships from GitHub with the person's own token, so that private ones count too."""
        state = model["auth_state"]
        login = quote(_login(model), safe="")
        listed = _memberships(model)

        async def is_member(rule: Rule) -> bool:
            if str(rule).casefold() in listed:
                return True
            path = f"teams/{rule.team}/memberships" if rule.team else "members"
            response = await self._get(f"{self.github_api}/orgs/{rule.organization}/{path}/{login}", state)
            if rule.team and response.code == 200:
                return _json_object(response).get("state") == "active"
            if response.code == 204:
                return True
            if response.code == 404 and "read:org" in state["scope"]:
                return False
            if response.code == 404:
                raise MembershipUnknown(
                    "GitHub did not give the right to read memberships that are not public (read:org)"
                )
            raise MembershipUnknown(f"GitHub answered {response.code} {message(response)}".strip())

        return is_member

    async def _address(self, state: Mapping[str, Any]) -> str:
        """The public e-mail address, else the primary one if it is verified, else GitHub's no-reply address."""
        profile = state["github_user"]
        if profile.get("email"):
            return str(profile["email"])
        if {"user", "user:email"} & set(state["scope"]):
            for entry in await self._list("user/emails", state, refused=[]):
                if entry.get("primary") is True and entry.get("verified") is True:
                    return str(entry["email"])
        host = urlsplit(self.github_url).hostname
        return f"{profile.get('id')}+{profile['login']}@users.noreply.{host}"

    async def _list(
        self, path: str, state: Mapping[str, Any], refused: Sequence[dict[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """The entries of all pages of a list. Raises ProviderUnavailable.

        `refused` is returned in its place, unless it is None, when GitHub responds with a client error.
        """
        url: str | None = f"{self.github_api}/{path}?per_page=100"
        all_entries: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            response = await self._get(url, state)
            if 400 <= response.code < 500 and refused is not None:
                return list(refused)
            if response.code != 200:
                raise self.unavailable(f"it does not tell {path} ({response.code})")
            try:
                entries = json.loads(response.body)
            except ValueError:
                entries = None
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise self.unavailable(NOT_UNDERSTOOD)
            all_entries += entries
            url = _next_page(response, self.github_api)
            if url is None:
                break
        return all_entries

    async def _get(self, url: str | None, state: Mapping[str, Any]) -> HTTPResponse:
        token = state["token_response"]
        headers = self.build_userdata_request_headers(token["access_token"], token["token_type"])
        response: HTTPResponse = await self.httpfetch(
            url or "", parse_json=False, raise_error=False, headers=headers, validate_cert=self.validate_server_cert
        )
        return response


GitHubLogin.__name__ = GitHubOAuthenticator.__name__  # as in hub.traits, in what traitlets says of a trait


async def _empty_list() -> list[dict[str, Any]]:
    return []


def _rules(texts: Sequence[str]) -> list[Rule]:
    return [Rule.parse(text) for text in texts]


def _login(model: Mapping[str, Any]) -> str:
    return str(model["auth_state"]["github_user"]["login"])


def _memberships(model: AuthModel) -> frozenset[str]:
    """The organizations and teams that GitHub listed, in lower case."""
    return frozenset(name.casefold() for name in github_identity(model["auth_state"]).memberships)


def _json_object(response: HTTPResponse) -> dict[str, Any]:
    """The JSON object in the body; empty where it is none."""
    try:
        document = json.loads(response.body or b"")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _next_page(response: HTTPResponse, api: str) -> str | None:
    """The URL of the next page from the Link header. Never on another host, because the token is sent to it."""
    for link in parse_header_links(response.headers.get("Link", "")):
        if link.get("rel") == "next" and urlsplit(link["url"])[:2] == urlsplit(api)[:2]:
            return link["url"]
    return None
