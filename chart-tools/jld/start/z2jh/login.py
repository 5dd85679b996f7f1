"""`hub.config`: who may log in, and traits."""

from __future__ import annotations

from typing import Any

from jld.rules.traits.owned import OWNED
from jld.secrets import formats
from jld.site.tree import Node, describe, find, plain
from jld.start.legacy_values import NotMigrated, crypt_key_of
from jld.start.new_site import NewSite
from jld.start.z2jh import forms
from jld.support.key_paths import KeyPath

AUTH: KeyPath = ("hub", "auth")
_OTHER = {"generic": "generic-oauth"} | {
    n: n for n in ("azuread", "google", "gitlab", "globus", "auth0", "bitbucket", "openshift")
}
_SECRETS = {"github": "githubClientSecret", "cilogon": "cilogonClientSecret", "other": "otherClientSecret"}
_EVERY_CLASS = ("Authenticator", "OAuthenticator")
_IDP = {"allowed_domains": "allowDomains", "allow_all": "allowAll"}
_DERIVATION = {"username_claim": "nameClaim", "prefix": "prefix", "domain": "stripDomain"}
Paths = tuple[list[KeyPath], str]


def _bare(name: str) -> str:
    """`oauthenticator.github.LocalGitHubOAuthenticator`, and `github`, as github."""
    last = name.rpartition(".")[2].rpartition(":")[2]
    return (
        last.removeprefix("Local")
        .removesuffix("OAuthenticator")
        .removesuffix("Authenticator")
        .lower()
        .removesuffix("-oauth")
    )


class Login(NewSite):
    """Converts the classes below `hub.config`."""

    _old: Node

    def _choose(self) -> None:
        """By the class that is named; z2jh's default, which lets everybody in, is none."""
        node = find(self._old, ("hub", "config", "JupyterHub", "authenticator_class"))
        self._class = _bare(node.value) if node and isinstance(node.value, str) else ""
        self._provider = (
            self._class if self._class in ("github", "cilogon", "dummy") else "other" if self._class in _OTHER else ""
        )

    def _class_key(self, path: KeyPath, node: Node) -> Paths:
        if len(path) < 4:
            raise forms.wrong(node, "keys and values")
        kind, key = str(path[2]), str(path[3])
        if kind == "CryptKeeper":
            return self._secret(
                "cryptKeys", ";".join(crypt_key_of(each) for line in forms.names(node) for each in line.split(";"))
            )
        if kind in ("KubeSpawner", "Spawner"):
            return self._trait("KubeSpawner", key, node)
        if kind == "JupyterHub":
            return self._of_hub(key, node)
        if kind not in _EVERY_CLASS and _bare(kind) != self._class:
            raise NotMigrated("people log in by another class")
        if not self._provider:
            raise NotMigrated("it belongs to a class that JLD does not know; see docs/login.md")
        own = getattr(self, f"_of_{self._provider}")(key, node)
        return own if own is not None else self._of_every(kind, key, node)

    def _of_hub(self, key: str, node: Node) -> Paths:
        match key:
            case "authenticator_class":
                if not self._provider:
                    raise NotMigrated(
                        f"{describe(node)} is no class of oauthenticator that JLD knows; see docs/login.md"
                    )
                path = (*AUTH, self._provider)
                return ([path] if self._provider != "other" else self._set((*path, "class"), _OTHER[self._class])), ""
            case "admin_access":
                return self._set((*AUTH, "adminAccess"), forms.boolean(node)), ""
            case "admin_users":
                return self._set((*AUTH, "admins"), [each.lower() for each in forms.names(node)]), ""
            case "db_url":
                return self._database(node)
            case "cookie_secret":
                return self._secret("cookieSecret", forms.text(node))
        return self._trait("JupyterHub", key, node)

    def _trait(self, kind: str, key: str, node: Node) -> Paths:
        if reason := OWNED.get(kind, {}).get(key):
            raise NotMigrated(f"it is not left to a site: {reason}")
        return self._set(("hub", "traits", kind, key), plain(node)), ""

    def _secret(self, name: str, text: str) -> Paths:
        if not formats.HUB_SECRETS[name].matches(text):
            raise NotMigrated(f"what it holds (not shown) is not {formats.HUB_SECRETS[name].accepted}")
        return self._set_secret((*formats.HUB_SECRET, name), text)

    def _database(self, node: Node) -> Paths:
        address = forms.text(node)
        scheme, _, rest = address.partition("://")
        if scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise NotMigrated(
                "JLD's hub has SQLite, on a claim of its own, and PostgreSQL; name a database of one of them"
            )
        password = find(self._old, ("hub", "db", "password"))
        user, at, host = rest.rpartition("@")
        if password and password.value and at and ":" not in user:
            rest = f"{user}:{forms.text(password)}@{host}"
        paths, _ = self._secret("dbUrl", f"postgresql://{rest}")
        return [
            *self._set(("hub", "db", "external"), True),
            *paths,
        ], "in secrets.yaml; write the address of a new, empty database there"

    def _of_every(self, kind: str, key: str, node: Node) -> Paths:
        """What classes have in common."""
        provider: KeyPath = (*AUTH, self._provider)
        match key:
            case "client_id":
                return self._set((*provider, "clientId"), forms.text(node)), ""
            case "client_secret":
                return self._secret(_SECRETS[self._provider], forms.text(node))
            case "admin_users":
                return self._set((*AUTH, "admins"), [each.lower() for each in forms.names(node)]), ""
            case "blocked_users":
                return self._set((*AUTH, "blocked"), [each.lower() for each in forms.names(node)]), ""
            case "allowed_users":
                return self._set((*provider, "users", "allow"), [each.lower() for each in forms.names(node)]), ""
            case "allow_all" if self._provider == "other":
                return self._set((*provider, "allowAll"), forms.boolean(node)), ""
            case "allow_all":
                raise NotMigrated("at GitHub and CILogon a rule of hub.auth names who is let in; write one")
        if kind == "Authenticator" or self._provider in ("github", "dummy"):
            own = "GitHubOAuthenticator" if kind != "Authenticator" and self._provider == "github" else "Authenticator"
            return self._trait(own, key, node)
        raise NotMigrated("JLD's login has no such option; see docs/login.md")

    def _of_github(self, key: str, node: Node) -> Paths | None:
        github: KeyPath = (*AUTH, "github")
        match key:
            case "allowed_organizations" | "github_organization_whitelist":
                return self._set((*github, "organizations", "allow"), forms.names(node)), ""
            case "github_url":
                return self._set((*github, "url"), forms.text(node).rstrip("/")), ""
            case "github_api":
                return self._set((*github, "apiUrl"), forms.text(node).rstrip("/")), ""
            case "populate_teams_in_auth_state":
                return self._set((*github, "teamsAsGroups"), forms.boolean(node)), ""
        return None

    def _of_dummy(self, key: str, node: Node) -> Paths | None:
        match key:
            case "allowed_users":
                return self._set((*AUTH, "dummy", "users"), forms.names(node)), ""
            case "password":
                return self._secret("dummyPassword", forms.text(node))
        return None

    def _of_cilogon(self, key: str, node: Node) -> Paths | None:
        cilogon: KeyPath = (*AUTH, "cilogon")
        match key:
            case "allowed_idps":
                providers = {url: self._identity_provider(url, each) for url, each in forms.entries(node).items()}
                return self._set((*cilogon, "identityProviders"), providers), ""
            case "allowed_groups":
                return self._set((*cilogon, "groups", "allow"), forms.names(node)), ""
            case "skin":
                return self._set((*cilogon, "skin"), forms.text(node)), ""
        return None

    def _identity_provider(self, url: str, node: Node) -> dict[str, Any]:
        given = plain(Node(forms.entries(node)))
        found = {_IDP[key]: value for key, value in given.items() if key in _IDP}
        derivation = given.get("username_derivation")
        for key, value in derivation.items() if isinstance(derivation, dict) else ():
            if key in _DERIVATION:
                found[_DERIVATION[key]] = value
        return found

    def _of_other(self, key: str, node: Node) -> Paths | None:
        other: KeyPath = (*AUTH, "other")
        common = ("client_id", "client_secret", "admin_users", "blocked_users", "allowed_users", "allow_all")
        match key:
            case "allowed_groups":
                return self._set((*other, "groups", "allow"), forms.names(node)), ""
            case "claim_groups_key":
                return self._set((*other, "groups", "claim"), forms.text(node)), ""
        return None if key in common else (self._set((*other, "options", key), plain(node)), "")
