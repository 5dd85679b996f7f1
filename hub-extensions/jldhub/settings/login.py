"""`hub.auth`: the login provider, the allow and deny lists, and the source of UIDs and GIDs."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from jldhub.settings.listed_names import Derivation, cilogon_fault, github_fault, other_fault
from jldhub.settings.types import (
    BaseUrl,
    ClaimedGroupName,
    Duration,
    ListedName,
    LoginName,
    Organization,
    SettingsModel,
)


class OrganizationRules(SettingsModel):
    """Allow and deny lists of GitHub organizations (`org`) and teams (`org:team`). Deny wins."""

    allow: list[Organization] = []
    deny: list[Organization] = []


class UserRules(SettingsModel):
    """People who are admitted by name."""

    allow: list[ListedName] = []


class GitHub(SettingsModel):
    """Login through github.com or GitHub Enterprise."""

    client_id: str = Field(min_length=1)
    url: BaseUrl = "https://github.com"
    api_url: BaseUrl | None = None
    organizations: OrganizationRules = OrganizationRules()
    teams_as_groups: bool = False
    users: UserRules = UserRules()

    @property
    def api(self) -> str:
        """The address of the REST API.

        Without `api_url` it is derived from `url`, so that a token of GitHub Enterprise is never sent to github.com.
        """
        if self.api_url:
            return self.api_url
        return "https://api.github.com" if self.url == "https://github.com" else f"{self.url}/api/v3"

    @model_validator(mode="after")
    def _somebody_is_let_in(self) -> Self:
        if not self.organizations.allow and not self.users.allow:
            raise ValueError("nobody could log in; write organizations.allow or users.allow")
        return self


class GroupRules(SettingsModel):
    """Allow and deny lists of groups, which are read from one claim of the login. Deny wins."""

    claim: str = Field(default="isMemberOf", min_length=1)
    allow: list[ClaimedGroupName] = []
    deny: list[ClaimedGroupName] = []


class ClaimNames(SettingsModel):
    """The claims that hold a person's identity.

    An empty name means no claim. Without a UID claim the hub assigns a UID.
    """

    uid: str = ""
    gid: str = ""
    name: str = "name"
    email: str = "email"


class IdentityProvider(SettingsModel):
    """One of CILogon's identity providers, how user names are derived from its claims, and whom it admits."""

    name_claim: str = Field(default="eppn", min_length=1)
    strip_domain: str = ""
    prefix: str = ""
    allow_all: bool = False
    allow_domains: list[str] = []

    @property
    def derivation(self) -> Derivation:
        return Derivation(self.name_claim, self.strip_domain, self.prefix)

    @model_validator(mode="after")
    def _one_way_to_a_name(self) -> Self:
        if self.strip_domain and self.prefix:
            raise ValueError("a name is either stripped of its domain or given a prefix; write one of the two")
        return self


class CILogon(SettingsModel):
    """Login through CILogon with the named identity providers."""

    client_id: str = Field(min_length=1)
    url: BaseUrl = "https://cilogon.org"
    skin: str = ""
    identity_providers: dict[
        Annotated[str, Field(pattern=r"^(https?://|urn:)[A-Za-z0-9._~:/?#@!$&()*+;=%-]{1,250}$")], IdentityProvider
    ] = Field(min_length=1)
    groups: GroupRules = GroupRules()
    users: UserRules = UserRules()
    claims: ClaimNames = ClaimNames()

    @model_validator(mode="after")
    def _somebody_is_let_in(self) -> Self:
        providers = self.identity_providers.values()
        if not (
            self.groups.allow or self.users.allow or any(each.allow_all or each.allow_domains for each in providers)
        ):
            raise ValueError(
                "nobody could log in; write groups.allow, users.allow, or allowAll or allowDomains of an identity provider"
            )
        return self


class Other(SettingsModel):
    """Login through any other class of oauthenticator. `options` are traits of that class."""

    authenticator: str = Field(alias="class", min_length=1)
    client_id: str = Field(min_length=1)
    options: dict[str, Any] = {}
    subject_claim: str = Field(default="sub", min_length=1)
    allow_all: bool = False
    groups: GroupRules = GroupRules()
    users: UserRules = UserRules()
    claims: ClaimNames = ClaimNames()

    @model_validator(mode="after")
    def _somebody_is_let_in(self) -> Self:
        if not (self.groups.allow or self.users.allow or self.allow_all):
            raise ValueError("nobody could log in; write groups.allow, users.allow or allowAll")
        return self


class AssignedIds(SettingsModel):
    """The range of UIDs and GIDs that the hub assigns where the provider has none. An ID is never assigned twice."""

    first: int = Field(default=2_000_000_000, ge=1000, le=2**31 - 1)
    last: int = Field(default=2_099_999_999, ge=1000, le=2**31 - 1)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) is above last ({self.last}); exchange them")
        return self


class Dummy(SettingsModel):
    """Login for local trials: one shared password (secret `dummyPassword`) for the named users."""

    users: list[LoginName] = Field(min_length=1)


class Auth(SettingsModel):
    """The values below `hub.auth`: exactly one provider, and the rules that hold for each of them."""

    admins: list[ListedName] = []
    admin_access: bool = False  # whether these may enter the labs of others
    blocked: list[ListedName] = []
    # `refresh`: how often a running session is checked against the provider. `staleness`: how long the last check is
    # valid during an outage of the provider. `token_lifetime`: how long an API token of a person is valid at most.
    refresh: Duration = timedelta(minutes=30)
    staleness: Duration = timedelta(hours=24)
    token_lifetime: Duration = timedelta(days=90)
    numbers: AssignedIds = AssignedIds()
    github: GitHub | None = None
    cilogon: CILogon | None = None
    other: Other | None = None
    dummy: Dummy | None = None

    @model_validator(mode="after")
    def _exactly_one_provider(self) -> Self:
        if sum(way is not None for way in (self.github, self.cilogon, self.other, self.dummy)) != 1:
            raise ValueError("there must be exactly one way to log in; write one of github, cilogon, other and dummy")
        if self.refresh < timedelta(minutes=1):
            raise ValueError("refresh would ask the provider with nearly every page; write 30m")
        if self.staleness < self.refresh:
            raise ValueError("staleness is shorter than refresh, so every session would end in between; write 24h")
        if not self.token_lifetime:
            raise ValueError("tokenLifetime is zero, and tokens would never expire; write 90d")
        if self.cilogon and (self.admins or self.cilogon.users.allow):
            unprefixed = [each for each in self.cilogon.identity_providers.values() if not each.prefix]
            if len(unprefixed) > 1:
                raise ValueError(
                    f"{len(unprefixed)} of cilogon.identityProviders have no prefix, so a name in admins or users.allow may be "
                    "somebody's of another one; give all but one a prefix"
                )
        if self.dummy and (strangers := sorted(set(self.admins) - set(self.dummy.users))):
            raise ValueError(f"admins names {', '.join(strangers)}, who cannot log in; add them to dummy.users")
        if both := sorted(set(self.admins) & set(self.blocked)):
            raise ValueError(f"blocked names {', '.join(both)}, who is in admins too; remove them from one of the two")
        return self

    @model_validator(mode="after")
    def _names_are_those_of_the_hub(self) -> Self:
        listed = {"admins": self.admins, "blocked": self.blocked} if not self.dummy else {}
        for way, provider in (("github", self.github), ("cilogon", self.cilogon), ("other", self.other)):
            if provider:
                listed[f"{way}.users.allow"] = provider.users.allow
        if faults := self.faults_of_names(listed):
            raise ValueError("; ".join(faults))
        return self

    def faults_of_names(self, listed: Mapping[str, Iterable[str]]) -> list[str]:
        """A sentence for each name, by the key that lists it, that no login of this site gives."""
        return [
            f"{key}: {name!r} {fault}"
            for key, names in listed.items()
            for name in names
            if (fault := self._fault(name))
        ]

    def _fault(self, name: str) -> str | None:
        if self.github:
            return github_fault(name)
        if self.cilogon:
            key = "hub.auth.cilogon.identityProviders"
            providers = self.cilogon.identity_providers
            return cilogon_fault(
                name, [each.derivation._replace(key=f'{key}."{at}"') for at, each in providers.items()]
            )
        return other_fault(name, self.other.authenticator) if self.other else None
