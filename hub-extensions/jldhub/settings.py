"""What the chart hands to the hub: one YAML file with the keys of the values, read once and typed."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from jldhub.quantities import parse_cpu, parse_duration, parse_memory

DEFAULT_PATH = Path("/etc/jld/settings/settings.yaml")

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Cores = Annotated[float, BeforeValidator(parse_cpu)]
Bytes = Annotated[int, BeforeValidator(parse_memory)]


class SettingsError(Exception):
    """The settings are wrong. One sentence for each mistake."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Model(BaseModel):
    """Keys are camelCase as in the values, unknown keys are mistakes, and nothing changes after it is read."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


def _login_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}", value):
        raise ValueError(f"{value!r} is not a user name; write letters, digits, '-', '_' and '.'")
    return value.lower()


def _organization(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(:[A-Za-z0-9_.-]{1,100})?", value
    ):
        raise ValueError(f"{value!r} is not an organization; write the name as in its address, or organization:team")
    return value


def _base_url(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError(f"{value!r} is not an address; write it with https:// in front, such as https://github.com")
    return value.rstrip("/")


def _host_and_port(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", value):
        raise ValueError(f"{value!r} is not a name and port; write it like jld-nginx-api:8001")
    return value


LoginName = Annotated[str, BeforeValidator(_login_name)]
Organization = Annotated[str, BeforeValidator(_organization)]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
FrontDoorApi = Annotated[str, BeforeValidator(_host_and_port)]


class Site(Model):
    """`global`: what people type into their browser."""

    hostname: str = Field(min_length=1)
    port: int = Field(default=443, ge=1, le=65535)
    hub_route: str = Field(default="/", pattern=r"^/([a-z0-9-]+/)?$")

    @property
    def origin(self) -> str:
        return f"https://{self.hostname}" if self.port == 443 else f"https://{self.hostname}:{self.port}"

    @property
    def url(self) -> str:
        """Where the hub and all labs lie, without a slash at the end."""
        return f"{self.origin}{self.hub_route.rstrip('/')}"


class OrganizationRules(Model):
    allow: list[Organization] = []
    deny: list[Organization] = []


class UserRules(Model):
    allow: list[LoginName] = []


class GitHub(Model):
    """Login through GitHub: who is let in, and where GitHub is."""

    client_id: str = Field(min_length=1)
    url: BaseUrl = "https://github.com"
    api_url: BaseUrl | None = None
    organizations: OrganizationRules = OrganizationRules()
    teams_as_groups: bool = False
    users: UserRules = UserRules()

    @property
    def api(self) -> str:
        """A token of GitHub Enterprise never goes to github.com because somebody forgot a line."""
        if self.api_url:
            return self.api_url
        return "https://api.github.com" if self.url == "https://github.com" else f"{self.url}/api/v3"

    @model_validator(mode="after")
    def _somebody_is_let_in(self) -> Self:
        if not self.organizations.allow and not self.users.allow:
            raise ValueError("nobody could log in; write organizations.allow or users.allow")
        return self


class GroupRules(Model):
    """Groups in a claim of the login."""

    claim: str = Field(default="isMemberOf", min_length=1)
    allow: list[Annotated[str, Field(min_length=1)]] = []
    deny: list[Annotated[str, Field(min_length=1)]] = []


class Claims(Model):
    """Which claims tell who somebody is. Without a number of its own a login gets one from the hub."""

    uid: str = ""
    gid: str = ""
    name: str = "name"
    email: str = "email"


class IdentityProvider(Model):
    """One of CILogon's, and how user names are made from what it tells."""

    name_claim: str = Field(default="eppn", min_length=1)
    strip_domain: str = ""
    prefix: str = ""
    allow_all: bool = False
    allow_domains: list[str] = []

    @model_validator(mode="after")
    def _one_way_to_a_name(self) -> Self:
        if self.strip_domain and self.prefix:
            raise ValueError("a name is either stripped of its domain or given a prefix; write one of the two")
        return self


class CILogon(Model):
    """Login through CILogon: through which identity providers, and who is let in."""

    client_id: str = Field(min_length=1)
    url: BaseUrl = "https://cilogon.org"
    skin: str = ""
    identity_providers: dict[
        Annotated[str, Field(pattern=r"^(https?://|urn:)[A-Za-z0-9._~:/?#@!$&()*+;=%-]{1,250}$")], IdentityProvider
    ] = Field(min_length=1)
    groups: GroupRules = GroupRules()
    users: UserRules = UserRules()
    claims: Claims = Claims()

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


class Other(Model):
    """Login through any other class of oauthenticator, whose own options are its traits."""

    authenticator: str = Field(alias="class", min_length=1)
    client_id: str = Field(min_length=1)
    options: dict[str, Any] = {}
    subject_claim: str = Field(default="sub", min_length=1)
    allow_all: bool = False
    groups: GroupRules = GroupRules()
    users: UserRules = UserRules()
    claims: Claims = Claims()

    @model_validator(mode="after")
    def _somebody_is_let_in(self) -> Self:
        if not (self.groups.allow or self.users.allow or self.allow_all):
            raise ValueError("nobody could log in; write groups.allow, users.allow or allowAll")
        return self


class UserNumbers(Model):
    """Given to people and groups whose provider tells none. None of them is ever given twice."""

    first: int = Field(default=2_000_000_000, ge=1000, le=2**31 - 1)
    last: int = Field(default=2_099_999_999, ge=1000, le=2**31 - 1)

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"first ({self.first}) is above last ({self.last}); exchange them")
        return self


class Dummy(Model):
    """Login for local trials: one password for the people that are named here."""

    users: list[LoginName] = Field(min_length=1)


class Auth(Model):
    admins: list[LoginName] = []
    # How often the hub asks whether somebody is still let in, and for how long the last answer holds without a new one.
    refresh: Duration = timedelta(minutes=30)
    staleness: Duration = timedelta(hours=24)
    numbers: UserNumbers = UserNumbers()
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
        if self.dummy and (strangers := sorted(set(self.admins) - set(self.dummy.users))):
            raise ValueError(f"admins names {', '.join(strangers)}, who cannot log in; add them to dummy.users")
        return self


class Database(Model):
    external: bool = False
    upgrade: bool = False
    capacity: str = ""
    storage_class: str = ""


class Size(Model):
    """The most that a lab of this size may use."""

    cpu: Cores
    memory: Bytes
    # Only members of one of these are offered it; nothing means everybody.
    groups: list[Organization] = []


class Quota(Model):
    """The most that something may use; nothing sets no limit. For all labs together, the chart's ResourceQuota holds them to it."""

    cpu: float = Field(default=0, ge=0, strict=False)
    memory: str = "0"

    @property
    def is_set(self) -> bool:
        return self.cpu > 0 or self.memory != "0"


class PerUser(Model):
    """What one person may use, where they have a namespace of their own: all labs together, and each container."""

    quota: Quota = Quota()
    limit_range: Quota = Quota()


def _without_removed(value: object) -> object:
    """A site removes a default size by setting it to null, which some Helm versions pass on."""
    return {name: size for name, size in value.items() if size is not None} if isinstance(value, dict) else value


class Push(StrEnum):
    """Which of a person's repositories at GitHub git may write to in a lab, with the token of the login."""

    NONE = "none"
    PUBLIC = "public"
    ALL = "all"


class Git(Model):
    push: Annotated[Push, Field(strict=False)] = Push.PUBLIC


def _repository(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/[A-Za-z0-9][A-Za-z0-9._-]*(@[A-Za-z0-9][A-Za-z0-9._/-]{0,199})?",
        value,
    ):
        raise ValueError(f"{value!r} is no repository; write its address and a branch: https://host/name.git@main")
    return value


NotebookRepository = Annotated[str, BeforeValidator(_repository)]
Notice = Annotated[str, Field(min_length=1, max_length=2000)]


class Lab(Model):
    sizes: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")], Size],
        BeforeValidator(_without_removed),
    ]
    quota: Quota = Quota()
    per_user: PerUser = PerUser()
    default_size: str
    size_range: float = Field(default=4, ge=1, strict=False)
    start_timeout: Duration = timedelta(minutes=5)
    git: Git = Git()
    tmp_size: Bytes = 10 * 2**30
    # False where the storage makes homes itself, or does not let root give one away.
    provision_homes: bool = True
    starts_at_once: int = Field(default=32, ge=1, le=1000)
    repositories: list[NotebookRepository] = []
    notices: Annotated[dict[str, Notice], BeforeValidator(_without_removed)] = {}

    @model_validator(mode="after")
    def _default_is_a_size(self) -> Self:
        if self.default_size not in self.sizes:
            known = ", ".join(sorted(self.sizes)) or "no size at all"
            raise ValueError(f"defaultSize {self.default_size!r} is not one of sizes ({known}); name one of them")
        if groups := self.sizes[self.default_size].groups:
            raise ValueError(
                f"defaultSize {self.default_size!r} is for {groups[0]} only; name one that is for everybody"
            )
        folders = [each.partition("@")[0].rpartition("/")[2].removesuffix(".git").lower() for each in self.repositories]
        if twice := sorted({each for each in folders if folders.count(each) > 1}):
            raise ValueError(f"repositories names {twice[0]!r} twice, which would be one folder; leave one out")
        if self.start_timeout < timedelta(seconds=1):
            raise ValueError("startTimeout leaves no time to start a lab; write 5m")
        return self


class Culling(Model):
    """When the hub stops labs that nobody uses."""

    idle_timeout: Duration = timedelta(hours=12)
    max_age: Duration = timedelta(0)
    busy_labs: bool = False


class Log(Model):
    """What the hub writes to its log."""

    format: Literal["json", "text"] = "json"
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Metrics(Model):
    enabled: bool = False


class Hub(Model):
    auth: Auth
    db: Database = Database()
    lab: Lab
    culling: Culling = Culling()
    log: Log = Log()
    metrics: Metrics = Metrics()
    # Class to trait to value. JupyterHub says itself what is wrong with one.
    traits: dict[str, dict[str, Any]] = {}


class Volume(Model):
    """Files that every lab mounts."""

    claim: str
    mount_path: str
    read_only: bool = False


class Firefly(Model):
    """Where Firefly is: on the site, and for the front door."""

    route: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9][A-Za-z0-9_-]*)+$")]
    url: BaseUrl


class UserNamespaces(Model):
    """Where each person's labs run in a namespace of their own."""

    prefix: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$")
    labels: dict[str, str] = Field(min_length=1)
    owner: str  # the ClusterRole with which the namespaces go
    network_policy: str  # the labs' one in the release's namespace
    volumes: dict[str, str]  # volume to the release's PersistentVolume


class Names(Model):
    """The names of what the chart made, so that no Python builds one."""

    namespace: str
    release: str
    hub_url: BaseUrl
    # host:port of the API of the front door's replicas.
    front_door: list[FrontDoorApi] = Field(min_length=1)
    lab_pod: str
    lab_service_account: str
    lab_labels: dict[str, str]
    lab_image: str
    hub_image: str
    image_pull_secrets: list[str] = []
    volumes: dict[str, Volume]
    firefly: Firefly | None = None  # nothing where it does not run
    user_namespaces: UserNamespaces | None = None  # nothing where labs run in the release's namespace

    @model_validator(mode="after")
    def _homes_have_a_place(self) -> Self:
        if "home" not in self.volumes:
            raise ValueError("volumes has no home; the chart always hands one over")
        return self


class Settings(Model):
    site: Site = Field(alias="global")
    hub: Hub
    names: Names
    secret_directory: Annotated[Path, Field(strict=False)] = Path("/etc/jld/secret")

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the settings file. `JLD_SETTINGS` names another one where the hub runs outside its pod."""
        path = path or Path(os.environ.get("JLD_SETTINGS", DEFAULT_PATH))
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror}); the chart mounts it") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: is not YAML; {' '.join(str(error).split())}") from error
        return cls.parse(document)

    @classmethod
    def parse(cls, document: object) -> Self:
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise SettingsError(*(_sentence(dict(mistake)) for mistake in error.errors(include_url=False))) from None


_REMEDIES = {
    "missing": "is missing; write it",
    "extra_forbidden": "is not a key that the hub knows; correct its spelling or remove it",
}


def _sentence(mistake: Mapping[str, Any]) -> str:
    """Place, cause, remedy, from one of pydantic's errors."""
    place = ".".join(str(part) for part in mistake["loc"] if part != "[key]") or "the settings"
    kind = mistake["type"]
    if kind == "value_error":
        return f"{place}: {mistake['ctx']['error']}"
    if kind in _REMEDIES:
        return f"{place}: {_REMEDIES[kind]}"
    return f"{place}: {mistake['input']!r} is wrong; {mistake['msg'][0].lower()}{mistake['msg'][1:]}"
