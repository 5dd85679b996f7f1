"""Keys of the original deploy tool with today's, keys of this chart that moved, and keys that hold secrets, which no site file holds."""

from __future__ import annotations

import re

# What the original's environment variables began with, over its years.
_PREFIXES = re.compile(r"(JLD|LSST_NB|LSP_NB)_", re.IGNORECASE)
# Other names of one key: of other versions, of the published examples, and slips of the pen.
_ALSO = {
    "tls_certificate": "tls_cert",
    "tls_root_certificate": "tls_root_chain",
    "tls_cert_directory": "certificate_directory",
    "github_client_id": "oauth_client_id",
    "github_client_secret": "oauth_secret",
    "github_secret": "oauth_secret",
    "oauth_client_secret": "oauth_secret",
    "github_organization_whitelist": "allowed_groups",
    "github_organization_allowlist": "allowed_groups",
    "github_organization_denylist": "forbidden_groups",
    "cilogon_group_allowlist": "cilogon_group_whitelist",
    "github_callback_url": "oauth_callback_url",
    "github_oauth_callback_url": "oauth_callback_url",
    "crypto_key": "jupyterhub_crypto_key",
    "session_database_url": "session_db_url",
    "lab_cull_timeout": "lab_idle_timeout",
    "log_shipper_name": "shipper_name",
    "tiny_cpu_max": "tiny_max_cpu",
    "prepuller_weekies": "prepuller_weeklies",
    "zone": "gke_zone",
    "node_count": "gke_node_count",
    "machine_type": "gke_machine_type",
}
KEYS = {
    "hostname": "global.hostname",
    "tls_cert": "nginx.tls.certificate",
    "tls_key": "nginx.tls.key",
    "tls_root_chain": "nginx.tls.certificate (the chain follows the certificate in one file)",
    "certificate_directory": "nginx.tls.certificate and nginx.tls.key",
    "hub_route": "global.hubRoute",
    "oauth_provider": "the choice of hub.auth.github",
    "oauth_client_id": "hub.auth.github.clientId",
    "oauth_secret": "hub.secret.githubClientSecret in secrets.yaml",
    "allowed_groups": "hub.auth.github.organizations.allow",
    "forbidden_groups": "hub.auth.github.organizations.deny",
    "session_db_url": "hub.db.external, and hub.secret.dbUrl in secrets.yaml",
    "jupyterhub_crypto_key": "hub.secret.cryptKeys in secrets.yaml",
    "volume_size_gigabytes": "storage.nfs.capacity",
    "external_fileserver_ip": "storage.external.server",
    "lab_idle_timeout": "hub.culling.idleTimeout",
    "lab_image": "hub.lab.images",
    "lab_mem_limit": "hub.lab.sizes.<name>.memory",
    "lab_cpu_limit": "hub.lab.sizes.<name>.cpu",
    "lab_size_range": "hub.lab.sizeRange",
    "tiny_max_cpu": "hub.lab.ladder.smallestCpu",
    "mb_per_cpu": "hub.lab.ladder.memoryPerCpu",
    "size_index": "hub.lab.defaultSize",
    "shipper_name": "logging.shipperName",
    "rabbitmq_target_host": "logging.broker.host",
    "rabbitmq_target_vhost": "logging.broker.vhost",
    "rabbitmq_pan_password": "logging.secret.brokerPassword in secrets.yaml",
    "beats_cert": "logging.tls.certificate",
    "beats_ca": "logging.tls.caCertificate",
    "beats_key": "logging.tls.key",
}
# Keys of this chart that stand elsewhere now.
MOVED = {
    "storage.alerts": "global.monitoring.rules",
    "logging.alerts": "global.monitoring.rules",
    "prepuller.certificateAuthorities": "global.certificateAuthorities",
    "prepuller.proxy": "global.proxy",
    "hub.metrics.enabled": "hub.metrics.scrapers",
    "nginx.metrics.enabled": "nginx.metrics.scrapers",
}
_CLUSTER = "the cluster is made by other tools; this one installs into any"
_LOGGING = "the broker is described below logging.broker, and the connection from filebeat below logging.tls"
_LOGSTASH = "the chart leads filebeat to its target; a logstash of your own is named in logging.external.hosts"
_FIREFLY = (
    "firefly.enabled runs Firefly, `jld values` makes its password, and the other keys below firefly have new meanings"
)
_MENU = "the menu of images is written anew, in hub.lab.images, as values/lsst.yaml does"
_GUARANTEE = "a lab is guaranteed its limit divided by hub.lab.sizeRange"
_ROUTE = "other routes than the hub's are not part of the chart yet"
_CILOGON = "people come in through hub.auth.cilogon now; write it by hand, as values/cilogon.yaml does"
# Keys without a counterpart, by how they begin, and why.
_WITHOUT = {
    "kubernetes_cluster_namespace": "name it to helm: --namespace NAME",
    "kubernetes_": _CLUSTER,
    "gke_": _CLUSTER,
    "tls_dhparam": "where nginx.tls.dhe is true, the parameters are those of RFC 7919",
    "dhparam_bits": "where nginx.tls.dhe is true, the parameters are those of RFC 7919",
    "cilogon_": _CILOGON,
    "oauth_callback_url": "it follows from global.hostname; `jld values` prints it",
    "configproxy_auth_token": "`jld values` makes a stronger one",
    "rabbitmq_": _LOGGING,
    "beats_": _LOGGING,
    "logstash_": _LOGSTASH,
    "firefly_": _FIREFLY,
    "prepuller_": _MENU,
    "lab_repo_": _MENU,
    "lab_selector_title": _MENU,
    "lab_mem_guarantee": _GUARANTEE,
    "lab_cpu_guarantee": _GUARANTEE,
    "lab_cull_policy": "labs are stopped by the hub alone; see hub.culling",
    "lab_nodejs_max_mem": "what runs in a lab is the matter of its image",
    "auto_repo_urls": "no repositories are fetched into home directories yet",
    "allow_dask_spawn": "labs start no workers yet",
    "max_dask_workers": "labs start no workers yet",
    "restrict_dask_nodes": "labs start no workers yet",
    "restrict_lab_nodes": "choose nodes with hub.lab.pod.nodeSelector",
    "js9_route": _ROUTE,
    "api_route": _ROUTE,
    "tap_route": _ROUTE,
    "soda_route": _ROUTE,
    "external_": _ROUTE,
    "max_http_header_size": "it belongs to log-ins with JWT, which are not supported",
    "jwt_": "log-ins with JWT are not supported",
    "debug": "set hub.traits.JupyterHub.log_level to 10",
}
_SECRETS = {
    "oauthsecret",
    "githubsecret",
    "githubclientsecret",
    "clientsecret",
    "oauthclientsecret",
    "sessiondburl",
    "jupyterhubcryptokey",
    "cookiesecret",
    "cryptkeys",
    "proxytoken",
    "password",
    "dburl",
}
INSTEAD_OF_SECRETS = (
    "a site file holds no secrets. Give GitHub's client secret as JLD_GITHUB_CLIENT_SECRET, "
    "or any secret below hub.secret in secrets.yaml beside the site file"
)


def legacy_name(key: str) -> str:
    """The name that the original gave to `key`, without the prefix of a variable, other names and misspellings."""
    name = _PREFIXES.sub("", key, count=1).lower().replace("-", "_") if _PREFIXES.match(key) else key.lower()
    return _ALSO.get(name, name)


def current_key(key: str) -> str | None:
    """The key of today, where `key` was one of the original tool."""
    return KEYS.get(legacy_name(key))


def why_no_counterpart(key: str) -> str | None:
    """Why a key of the original tool has no counterpart."""
    name = legacy_name(key)
    if name in KEYS:
        return None
    return next((why for start, why in _WITHOUT.items() if name.startswith(start)), None)


def is_secret(key: str) -> bool:
    """Whether a person who wrote `key` meant to write a secret."""
    return key.replace("_", "").replace("-", "").lower() in _SECRETS
