"""What a site sets of JupyterHub's own traits."""

from pathlib import Path
from typing import Any

from jld.rules.traits.owned import OWNED
from jldhub.hub.process import hub_config
from jldhub.hub.traits import set_traits
from jldhub.labs.spawner import spawner_config
from jldhub.login.configuration import authenticator_config
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings
from traitlets.config import Config

# What JLD sets and a site may set otherwise: no security hangs on it, and no other key says it better.
PREFERENCES = {
    "JupyterHub": {
        *(
            "activity_resolution",
            "allow_named_servers",
            "concurrent_spawn_limit",
            "last_activity_interval",
            "log_level",
        ),
    },
    "Authenticator": {"auth_refresh_age", "refresh_pre_spawn"},
    "GitHubOAuthenticator": {"http_request_kwargs"},
    "KubeSpawner": {
        *("consecutive_failure_limit", "default_url", "delete_grace_period", "environment", "http_timeout"),
        *("image_pull_policy", "k8s_api_request_timeout", "k8s_api_request_retry_timeout", "start_timeout"),
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
