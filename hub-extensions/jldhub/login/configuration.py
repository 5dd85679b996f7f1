"""The settings `hub.auth` as traits of JupyterHub and oauthenticator."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from jldhub.login.cilogon import CILogonLogin
from jldhub.login.dummy import DummyLogin
from jldhub.login.github import GitHubLogin
from jldhub.login.other import other_login
from jldhub.settings.login import Auth, CILogon, ClaimNames, GitHub, GroupRules, IdentityProvider, Other, UserRules
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings, SettingsError
from jldhub.support.outbound import AUTHORITIES, site_authorities, tls_context

# User names become paths and labels. GitHub's login names match.
_USERNAME = r"[a-z0-9_][a-z0-9._-]{0,62}\Z"

Sections = dict[str, dict[str, Any]]


def authenticator_config(settings: Settings, secrets: HubSecrets) -> Sections:
    """Trait values by class. Raises SettingsError for a class or an option of `hub.auth.other` that cannot work."""
    auth = settings.hub.auth
    if auth.dummy:
        config: Sections = {
            "JupyterHub": {"authenticator_class": DummyLogin},
            "DummyLogin": {"password": secrets.dummy_password},
            "Authenticator": {"allowed_users": set(auth.dummy.users)},
        }
    else:
        config = _provider_config(settings, secrets)
    config["Authenticator"] |= {
        "allow_all": False,
        # Otherwise whoever logged in once stays allowed after their name is removed from the settings.
        "allow_existing_users": False,
        "username_pattern": _USERNAME,
        "enable_auth_state": True,
        "blocked_users": set(auth.blocked),
        # JupyterHub's groups are those of the login that have a role, and none that somebody makes on the page Admin.
        **({"manage_groups": True} if settings.hub.groups_of_roles else {}),
    }
    return config


# Of those of JupyterHub's own role `admin`, which cannot be changed, all but what leads into the labs and accounts of others:
# `access:servers` and `shares`, `tokens` in their name, what the hub keeps of their login (`admin:auth_state`), another user
# name for a person (`admin:users`), and services with rights (`admin:services`).
_ADMINISTRATOR = [
    "admin-ui",
    "users",
    "delete:users",
    "servers",
    "admin:groups",
    "access:services",
    "list:services",
    "read:services",
    "read:hub",
    "read:metrics",
    "read:roles",
    "read:tokens",
    "proxy",
    "shutdown",
]


def admin_roles(settings: Settings) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.load_roles`. The role `admin` may enter the labs of others.

    Unlike `admin_users`, a role is revoked when a name is removed from the settings.
    """
    admins = sorted(settings.hub.auth.admins)
    if settings.hub.auth.admin_access:
        return [{"name": "admin", "users": admins}]
    return [{"name": "admin", "users": []}, {"name": "administrator", "users": admins, "scopes": _ADMINISTRATOR}]


def _provider_config(settings: Settings, secrets: HubSecrets) -> Sections:
    auth = settings.hub.auth
    oauth = {
        "client_secret": secrets.client_secret,
        "oauth_callback_url": f"{settings.site.url}/hub/oauth_callback",
        # Seconds. While a lecture hall logs in, the hub itself may take some until it sees that it is connected.
        "http_request_kwargs": {"connect_timeout": 15, "request_timeout": 20},
    }
    if auth.github:
        groups = [*settings.hub.lab.groups_of_choices, *settings.hub.groups_of_roles]
        config, users = _github_config(auth.github, groups, oauth), auth.github.users
    elif auth.cilogon:
        config, users = _cilogon_config(auth.cilogon, oauth), auth.cilogon.users
    else:
        assert auth.other is not None  # noqa: S101 - the settings hold exactly one of them
        config, users = _other_config(auth.other, oauth), auth.other.users
    ids = {"first_id": auth.numbers.first, "last_id": auth.numbers.last}
    provider = {
        **config.get("ProviderLogin", {}),
        "staleness": auth.staleness.total_seconds(),
        **ids,
        **_authorities(settings),
    }
    if settings.hub.groups_of_roles:
        provider["role_groups"] = settings.hub.groups_of_roles
    return {**config, "ProviderLogin": provider, "Authenticator": _authenticator_config(auth, users)}


def _authorities(settings: Settings) -> dict[str, Any]:
    """The site's own authorities, where it has some. Raises SettingsError for what are no certificates."""
    if not site_authorities(settings.trust_directory):
        return {}
    file = settings.trust_directory / AUTHORITIES
    try:
        tls_context(file)
    except OSError as mistake:
        sentence = "global.certificateAuthorities: a certificate in it cannot be read; copy all of them again"
        raise SettingsError(sentence) from mistake
    return {"authorities": str(file)}


def _authenticator_config(auth: Auth, users: UserRules) -> dict[str, Any]:
    return {
        "allowed_users": {*users.allow, *auth.admins},
        "auth_refresh_age": int(auth.refresh.total_seconds()),
        "refresh_pre_spawn": True,
    }


def _github_config(github: GitHub, groups: Sequence[str], oauth: dict[str, Any]) -> Sections:
    rules = github.organizations
    # Without the scope read:org GitHub shows only public memberships.
    read_groups = bool(rules.allow or rules.deny or github.teams_as_groups or groups)
    return {
        "JupyterHub": {"authenticator_class": GitHubLogin},
        "ProviderLogin": {
            "allow_organizations": list(rules.allow),
            "deny_organizations": list(rules.deny),
            "read_groups": read_groups,
            "read_teams": github.teams_as_groups or any(":" in group for group in groups),
            "provider_address": github.url,
        },
        "GitHubOAuthenticator": {
            **oauth,
            "client_id": github.client_id,
            "github_url": github.url,
            "github_api": github.api,
            "scope": ["user:email", *(["read:org"] if read_groups else [])],
        },
    }


def _cilogon_config(cilogon: CILogon, oauth: dict[str, Any]) -> Sections:
    address = urlsplit(cilogon.url).netloc
    return {
        "JupyterHub": {"authenticator_class": CILogonLogin},
        "ClaimsLogin": {
            **_claims_config(cilogon.groups, cilogon.claims),
            "provider": address,
            "provider_address": cilogon.url,
        },
        "CILogonOAuthenticator": {
            **oauth,
            "client_id": cilogon.client_id,
            "cilogon_host": address,
            "authorize_url": f"{cilogon.url}/authorize",
            "token_url": f"{cilogon.url}/oauth2/token",
            "userdata_url": f"{cilogon.url}/oauth2/userinfo",
            "skin": cilogon.skin,
            "idps": {entity_id: _idp(idp) for entity_id, idp in cilogon.identity_providers.items()},
        },
    }


def _idp(idp: IdentityProvider) -> dict[str, Any]:
    derivation: dict[str, str] = {"username_claim": idp.name_claim}
    if idp.strip_domain:
        derivation |= {"action": "strip_idp_domain", "domain": idp.strip_domain}
    if idp.prefix:
        derivation |= {"action": "prefix", "prefix": idp.prefix}
    return {
        "username_derivation": derivation,
        "allow_all": idp.allow_all,
        "allowed_domains": list(idp.allow_domains),
    }


def _other_config(other: Other, oauth: dict[str, Any]) -> Sections:
    chosen = other_login(other)
    return {
        "JupyterHub": {"authenticator_class": chosen},
        "ClaimsLogin": {
            **_claims_config(other.groups, other.claims),
            "subject_claim": other.subject_claim,
            "admit_all": other.allow_all,
            "provider": f"{other.authenticator} {other.options.get('token_url', '')}".strip(),
        },
        chosen.__name__: {**other.options, **oauth, "client_id": other.client_id},
    }


def _claims_config(groups: GroupRules, claims: ClaimNames) -> dict[str, Any]:
    return {
        "groups_claim": groups.claim,
        "allow_groups": list(groups.allow),
        "deny_groups": list(groups.deny),
        "uid_claim": claims.uid,
        "gid_claim": claims.gid,
        "name_claim": claims.name,
        "email_claim": claims.email,
    }
