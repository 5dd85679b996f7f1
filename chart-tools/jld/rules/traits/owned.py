"""The traits that are not left to a site, with the reason: most of them JLD sets itself.

The schema names the same ones: Helm refuses them without this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jld.rules.rule import Violations
from jld.support.key_paths import KeyPath

TRAITS: KeyPath = ("hub", "traits")
# Where the hub's classes are. A trait of a class that they inherit from is written below the class that stands here.
CLASSES = {
    "JupyterHub": "jupyterhub.app",
    "KubeSpawner": "kubespawner",
    "Authenticator": "jupyterhub.auth",
    "GitHubOAuthenticator": "oauthenticator.github",
    "CryptKeeper": "jupyterhub.crypto",
}

NOT_LEFT = "not left to a site: {}"
_CONFIDENTIAL = "it is a secret, and this would stand in a ConfigMap; the hub reads it from {}"
_POD = "it would take away what keeps a lab from harming others; if you must, change it in hub.extraConfig"
_ADDS = "it would replace what JLD sets, without which no lab starts; add to it in hub.extraConfig"
_CONTAINERS = "further containers are said in hub.lab.pod.initContainers and hub.lab.pod.containers"
_VOLUMES = "further volumes are said in hub.lab.volumes"
_LOGIN = "who may log in and who administers the hub is said in hub.auth"
_CONNECTED = "the chart's objects are made to fit what JLD sets"
_SIZES = "the sizes of labs are said in hub.lab.sizes and hub.lab.sizeRange"
_OUTLIVES = "labs outlive a restart of the hub, and this would end that"
_WAITS = "with one, KubeSpawner waits for its watch once more, and deletes a healthy pod when the watch lags"
_ROLES = "services and roles are said in hub.services and hub.roles; add others to JLD's own in hub.extraConfig"
_EVERYBODY = "what everybody may do is said in hub.roles, with allowAll"


def _each(names: str, reason: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), reason)


_AUTHENTICATOR = _each(
    "admin_users allow_all allow_existing_users allowed_users any_allow_config blocked_users whitelist username_pattern "
    "username_map enable_auth_state manage_groups manage_roles",
    _LOGIN,
)
OWNED: dict[str, dict[str, str]] = {
    "JupyterHub": {
        **_each("cookie_secret cookie_secret_file", _CONFIDENTIAL.format("hub.secret.cookieSecret")),
        **_each("proxy_auth_token", _CONFIDENTIAL.format("hub.secret.proxyToken")),
        **_each("db_url db_kwargs", _CONFIDENTIAL.format("hub.secret.dbUrl, with hub.db.external")),
        **_each("api_tokens service_tokens", "it is a secret, and this would stand in a ConfigMap"),
        **_each("load_roles load_groups services custom_scopes", _ROLES),
        **_each("extra_user_scopes", _EVERYBODY),
        **_each("logging_config", "JLD's log hides secrets; its form is said in hub.log"),
        **_each("admin_users admin_access", _LOGIN),
        **_each("token_expires_in_max_seconds", "how long tokens are valid is said in hub.auth.tokenLifetime"),
        **_each("authenticator_class", _LOGIN),
        **_each("spawner_class proxy_class", "JLD's own class is the reason why labs are what they are"),
        **_each(
            "bind_url hub_bind_url hub_connect_url hub_connect_ip hub_connect_port hub_ip hub_port ip port", _CONNECTED
        ),
        **_each("base_url public_url subdomain_host subdomain_hook internal_ssl hub_routespec", _CONNECTED),
        **_each(
            "ssl_cert ssl_key confirm_no_ssl forwarded_host_header trusted_downstream_ips", "TLS is said in nginx.tls"
        ),
        **_each("cleanup_servers cleanup_proxy shutdown_on_logout", _OUTLIVES),
        **_each(
            "upgrade_db reset_db answer_yes config_file generate_config generate_certs show_config show_config_json",
            "it is for the command line",
        ),
        **_each(
            "jinja_environment_options",
            "Jinja takes words of its own alone, and the hub ends at another one; change it in hub.extraConfig",
        ),
        **_each(
            "authenticate_prometheus tornado_settings", "it would open what JLD closes; change it in hub.extraConfig"
        ),
    },
    "KubeSpawner": {
        **_each("uid gid fs_gid supplemental_gids", "a lab runs under the numbers of the person it belongs to"),
        **_each("privileged allow_privilege_escalation container_security_context pod_security_context", _POD),
        **_each("service_account automount_service_account_token enable_user_namespaces server_token_scopes", _POD),
        **_each("oauth_client_allowed_scopes oauth_roles extra_container_config extra_pod_config", _POD),
        **_each("init_containers extra_containers", _CONTAINERS),
        **_each("volumes volume_mounts", _VOLUMES),
        **_each("image_pull_secrets cmd args working_dir", _ADDS),
        **_each("modify_pod_hook auth_state_hook apply_user_options secret_mount_path", _ADDS),
        **_each("after_pod_created_hook", _WAITS),
        **_each("options_form options_from_form profile_form_template additional_profile_form_template_paths", _ADDS),
        **_each("namespace pod_name_template common_labels component_label extra_labels ip port", _CONNECTED),
        **_each("slug_scheme handle_legacy_names hub_connect_url hub_connect_ip hub_connect_port", _CONNECTED),
        **_each("k8s_api_host k8s_api_ssl_ca_cert k8s_api_verify_ssl services_enabled get_pod_url", _CONNECTED),
        **_each("profile_list cpu_limit cpu_guarantee mem_limit mem_guarantee", _SIZES),
        **_each(
            "storage_pvc_ensure delete_pvc pvc_name_template remember_pvc_name storage_class storage_capacity storage_access_modes",
            "where home directories live is said in storage",
        ),
        **_each("image", "the images of labs are said in hub.lab.images, or in hub.lab.image"),
    },
    "Authenticator": _AUTHENTICATOR,
    "GitHubOAuthenticator": {
        **_AUTHENTICATOR,
        **_each(
            "admin_groups allowed_groups allowed_organizations allowed_scopes auth_state_groups_key github_organization_whitelist "
            "username_claim",
            _LOGIN,
        ),
        **_each("client_secret github_client_secret", _CONFIDENTIAL.format("hub.secret.githubClientSecret")),
        **_each("client_id github_client_id", "it is said in hub.auth.github.clientId"),
        **_each("github_url github_api", "it is said in hub.auth.github.url and hub.auth.github.apiUrl"),
        **_each("oauth_callback_url authorize_url token_url userdata_url scope", "it follows from hub.auth.github"),
        **_each("validate_server_cert userdata_from_id_token", "it would let anybody say who they are"),
    },
    "CryptKeeper": _each("keys", _CONFIDENTIAL.format("hub.secret.cryptKeys")),
}
# The options of `hub.auth.other`.
OPTIONS: dict[str, str] = {
    **_AUTHENTICATOR,
    **_each("admin_groups allowed_groups allowed_scopes auth_state_groups_key claim_groups_key", _LOGIN),
    **_each("client_secret", _CONFIDENTIAL.format("hub.secret.otherClientSecret")),
    **_each("client_id", "it is said in hub.auth.other.clientId"),
    **_each("oauth_callback_url", "it follows from global.hostname"),
    **_each("http_request_kwargs ca_certs", "its time-outs fit those of the hub"),
    **_each("validate_server_cert validate_cert tls_verify", "it would let anybody say who they are"),
}
# Accepted, though the chart has a key that says the same.
HAS_A_KEY = {
    ("KubeSpawner", "start_timeout"): "hub.lab.startTimeout",
    ("KubeSpawner", "lifecycle_hooks"): "hub.lab.pod.lifecycle",
    ("JupyterHub", "log_level"): "hub.log.level",
    ("JupyterHub", "allow_named_servers"): "hub.namedServers.limit",
    ("JupyterHub", "named_server_limit_per_user"): "hub.namedServers.limit",
}


def violations(traits: Mapping[str, Any]) -> Violations:
    """What is not left to a site, with the reason."""
    for class_name, chosen in traits.items():
        reasons = OWNED.get(class_name, {})
        for name in chosen if isinstance(chosen, dict) else ():
            if name in reasons:
                yield (*TRAITS, class_name, name), NOT_LEFT.format(reasons[name])
