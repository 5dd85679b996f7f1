"""What a site sets of JupyterHub's own traits."""

from pathlib import Path
from typing import Any

import pytest
from jld.rules.traits.owned import OWNED
from jldhub.hub.process import hub_config
from jldhub.hub.traits import set_traits, trait_faults
from jldhub.labs.spawner import LabSpawner, spawner_config
from jldhub.login.cilogon import CILogonLogin
from jldhub.login.configuration import authenticator_config
from jldhub.login.github import GitHubLogin
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings
from traitlets import TraitError
from traitlets.config import Config

# What JLD sets and a site may set otherwise: no security hangs on it, and no other key says it better.
PREFERENCES = {
    "JupyterHub": {
        *(
            "activity_resolution",
            "allow_named_servers",
            "concurrent_spawn_limit",
            "last_activity_interval",
            "named_server_limit_per_user",
            "log_level",
            "template_paths",
        ),
    },
    "Authenticator": {"auth_refresh_age", "refresh_pre_spawn"},
    "GitHubOAuthenticator": {"http_request_kwargs"},
    "KubeSpawner": {
        *("consecutive_failure_limit", "default_url", "delete_grace_period", "environment", "http_timeout"),
        *(
            "image_pull_policy",
            "k8s_api_request_timeout",
            "k8s_api_request_retry_timeout",
            "lifecycle_hooks",
            "start_timeout",
        ),
    },
}


def configured() -> Config:
    return Config({"KubeSpawner": {"http_timeout": 120, "environment": {"HOME": "/home/ada"}}})


def test_a_trait_replaces_what_jld_set() -> None:
    config = configured()
    set_traits(config, {"KubeSpawner": {"http_timeout": 300}, "JupyterHub": {"active_server_limit": 200}})
    assert (config.KubeSpawner.http_timeout, config.JupyterHub.active_server_limit) == (300, 200)


def test_a_map_adds_to_the_one_that_jld_set() -> None:
    config = configured()
    set_traits(config, {"KubeSpawner": {"environment": {"TZ": "UTC"}, "node_selector": {"pool": "labs"}}})
    assert config.KubeSpawner.environment == {"HOME": "/home/ada", "TZ": "UTC"}
    assert config.KubeSpawner.node_selector == {"pool": "labs"}


def test_a_site_without_traits_changes_nothing(settings: Settings) -> None:
    config = configured()
    set_traits(config, settings.hub.traits)
    assert config == configured()


@pytest.mark.parametrize(
    ("class_name", "trait", "value", "sentence"),
    [
        (
            "KubeSpawner",
            "http_timeout",
            "long",
            "The 'http_timeout' trait of a KubeSpawner instance expected an int, not the str 'long'; correct it",
        ),
        ("KubeSpawner", "http_timeot", 300, "KubeSpawner has no such trait; did you mean http_timeout?"),
        (
            "Authenticator",
            "auto_login",
            "sure",
            "The 'auto_login' trait of an Authenticator instance expected a boolean, not the str 'sure'; correct it",
        ),
        (
            "GitHubOAuthenticator",
            "login_service",
            7,
            "The 'login_service' trait of a GitHubOAuthenticator instance expected a unicode string, not the int 7; correct it",
        ),
    ],
)
def test_a_wrong_trait_is_told_by_its_key(class_name: str, trait: str, value: Any, sentence: str) -> None:
    assert trait_faults({class_name: {trait: value}}) == [f"hub.traits.{class_name}.{trait}: {sentence}"]


def test_right_traits_and_an_unknown_class_are_told_apart() -> None:
    right = {
        "KubeSpawner": {"tolerations": [{"key": "labs"}], "node_selector": {"pool": "labs"}},
        "CryptKeeper": {"n_threads": 2},
    }
    (sentence,) = trait_faults(right | {"KubeSpawnr": {"debug": True}})
    assert sentence.startswith("hub.traits.KubeSpawnr: the hub has no such class; write one of JupyterHub, KubeSpawner")


@pytest.mark.parametrize(
    ("cls", "known"),
    [
        (LabSpawner, "KubeSpawner"),
        (GitHubLogin, "GitHubOAuthenticator"),
        (CILogonLogin, "CILogonOAuthenticator"),
    ],
)
def test_traitlets_names_the_classes_that_a_site_may_configure(cls: Any, known: str) -> None:
    holder = cls.__new__(cls)
    trait = next(name for name in holder.traits(config=True) if name in ("http_timeout", "login_service"))
    with pytest.raises(TraitError, match=f"trait of a {known} instance"):
        setattr(holder, trait, [])


def test_the_settings_keep_traits_as_they_are_written(settings_document: dict[str, Any]) -> None:
    traits = {"KubeSpawner": {"tolerations": [{"key": "labs"}], "debug": True}}
    hub = settings_document["hub"] | {"traits": traits}
    assert Settings.parse(settings_document | {"hub": hub}).hub.traits == traits


def test_what_jld_sets_is_its_own_or_known_as_a_preference(settings: Settings, secret_directory: Path) -> None:
    complete = settings.model_copy(update={"secret_directory": secret_directory})
    secrets = HubSecrets.load(complete)
    config = Config(hub_config(complete, secrets))
    for part in (authenticator_config(complete, secrets), spawner_config(complete)):
        config.merge(Config(part))
    for class_name, reasons in OWNED.items():
        assert set(config[class_name]) - set(reasons) == PREFERENCES.get(class_name, set())
