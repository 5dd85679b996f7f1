"""What stands below `hub`."""

from __future__ import annotations

from jld.schema.z2jh.answer import (
    ACCOUNT,
    BUDGET,
    EGRESS,
    HISTORY,
    OBJECTS,
    POD_SPEC,
    PROBES,
    SAFE,
    Answer,
    Rows,
    by_hand,
    none,
    not_needed,
    now,
)

_CALLBACK = not_needed("it follows from global.hostname and global.hubRoute; `jld values` prints it")
_ADMIN_GROUPS = none("administrators are named one by one, in hub.auth.admins")
_ADMITTED = "hub.auth.<provider>.users.allow"
_ADDS_NOBODY = "a class's own rule does not let anybody in; hub.auth.other.groups, users or allowAll do"
_ALWAYS_STATE = not_needed("what a login tells is always kept, encrypted with hub.secret.cryptKeys")
_IN_SECRETS = "hub.secret.{} in secrets.yaml"
_OPTION = now("hub.auth.other.options", "for the class of hub.auth.other")
_DATABASE = "write that of a new, empty database: users, servers and tokens of the old one are another hub's"


def _every_login() -> Rows:
    """What each class below `hub.config` that lets people in may have."""
    return {
        "admin_users": now("hub.auth.admins"),
        "allowed_users": now(_ADMITTED),
        "blocked_users": now("hub.auth.blocked"),
        "allow_all": now("hub.auth.other.allowAll", "GitHub and CILogon let in whom a rule names"),
        "allow_existing_users": none("who is let in, the provider and hub.auth say at each login"),
        "any_allow_config": none("who is let in, the provider and hub.auth say at each login"),
        "enable_auth_state": _ALWAYS_STATE,
        "admin_groups": _ADMIN_GROUPS,
        "manage_groups": not_needed("groups of the provider are groups in the hub and in labs"),
    }


def _oauth(secret: str, client_id: str) -> Rows:
    return {
        **_every_login(),
        "client_id": now(client_id),
        "client_secret": now(_IN_SECRETS.format(secret)),
        "oauth_callback_url": _CALLBACK,
    }


def _below(name: str, answer: Answer, rows: Rows) -> Rows:
    return {f"hub.config.{name}": answer, **{f"hub.config.{name}.{key}": each for key, each in rows.items()}}


_OTHER = {
    **_oauth("otherClientSecret", "hub.auth.other.clientId"),
    "allowed_groups": now("hub.auth.other.groups.allow"),
    "claim_groups_key": now("hub.auth.other.groups.claim"),
    "auth_state_groups_key": by_hand(
        "hub.auth.other.groups.claim", "it names a place in the hub's state, and JLD wants a claim"
    ),
    "*": _OPTION,
}
_OTHER_CLASS = now("hub.auth.other")

CONFIG: Rows = {
    "hub.config": now("hub.auth and hub.traits", "class by class"),
    **_below(
        "JupyterHub",
        now("hub.traits.JupyterHub"),
        {
            "authenticator_class": now(
                "the choice of hub.auth.github, hub.auth.cilogon, hub.auth.other or hub.auth.dummy"
            ),
            "admin_access": now("hub.auth.adminAccess"),
            "admin_users": now("hub.auth.admins"),
            "subdomain_host": none("all labs are below one host name"),
            "load_roles": by_hand("hub.roles", "each role has a name, what it allows, and who has it"),
            "services": by_hand("hub.services", "a service runs in a pod of its own, with a token of secrets.yaml"),
            "db_url": now(f"hub.db.external, and {_IN_SECRETS.format('dbUrl')}", _DATABASE),
            "cookie_secret": now(_IN_SECRETS.format("cookieSecret")),
            "*": now("hub.traits.JupyterHub", "where JLD leaves the trait to a site"),
        },
    ),
    **_below(
        "Authenticator",
        now("hub.auth"),
        {**_every_login(), "*": now("hub.traits.Authenticator", "where JLD leaves the trait to a site")},
    ),
    **_below(
        "OAuthenticator",
        now("hub.auth", "for the class that is chosen"),
        {
            **_oauth("githubClientSecret, cilogonClientSecret or otherClientSecret", "hub.auth.<provider>.clientId"),
            "*": _OPTION,
        },
    ),
    **_below(
        "GitHubOAuthenticator",
        now("hub.auth.github"),
        {
            **_oauth("githubClientSecret", "hub.auth.github.clientId"),
            "allowed_organizations": now("hub.auth.github.organizations.allow"),
            "github_organization_whitelist": now("hub.auth.github.organizations.allow"),
            "github_url": now("hub.auth.github.url"),
            "github_api": now("hub.auth.github.apiUrl"),
            "scope": not_needed("the hub asks for what its rules need"),
            "populate_teams_in_auth_state": now("hub.auth.github.teamsAsGroups"),
            "*": now("hub.traits.GitHubOAuthenticator", "where JLD leaves the trait to a site"),
        },
    ),
    **_below(
        "CILogonOAuthenticator",
        now("hub.auth.cilogon"),
        {
            **_oauth("cilogonClientSecret", "hub.auth.cilogon.clientId"),
            "allowed_idps": now("hub.auth.cilogon.identityProviders"),
            "allowed_groups": now("hub.auth.cilogon.groups.allow"),
            "shown_idps": not_needed("people choose among hub.auth.cilogon.identityProviders"),
            "default_idp": not_needed("people choose among hub.auth.cilogon.identityProviders"),
            "scope": not_needed("the hub asks for what its rules need"),
            "skin": now("hub.auth.cilogon.skin"),
            "*": none("hub.auth.cilogon says all there is"),
        },
    ),
    **_below("GenericOAuthenticator", _OTHER_CLASS, _OTHER),
    **_below("AzureAdOAuthenticator", _OTHER_CLASS, _OTHER),
    **_below(
        "GoogleOAuthenticator",
        _OTHER_CLASS,
        {**_OTHER, "hosted_domain": none(_ADDS_NOBODY), "allowed_google_groups": none(_ADDS_NOBODY)},
    ),
    **_below(
        "GitLabOAuthenticator",
        _OTHER_CLASS,
        {**_OTHER, "allowed_gitlab_groups": none(_ADDS_NOBODY), "allowed_project_ids": none(_ADDS_NOBODY)},
    ),
    **_below("GlobusOAuthenticator", _OTHER_CLASS, {**_OTHER, "allowed_globus_groups": none(_ADDS_NOBODY)}),
    **_below("Auth0OAuthenticator", _OTHER_CLASS, _OTHER),
    **_below("BitbucketOAuthenticator", _OTHER_CLASS, {**_OTHER, "allowed_teams": none(_ADDS_NOBODY)}),
    **_below("OpenShiftOAuthenticator", _OTHER_CLASS, _OTHER),
    **_below(
        "DummyAuthenticator",
        now("hub.auth.dummy"),
        {
            **_every_login(),
            "allowed_users": now("hub.auth.dummy.users"),
            "password": now(_IN_SECRETS.format("dummyPassword")),
        },
    ),
    **_below(
        "KubeSpawner",
        now("hub.traits.KubeSpawner"),
        {"*": now("hub.traits.KubeSpawner", "where JLD leaves the trait to a site")},
    ),
    **_below(
        "Spawner",
        now("hub.traits.KubeSpawner"),
        {"*": now("hub.traits.KubeSpawner", "where JLD leaves the trait to a site")},
    ),
    **_below("CryptKeeper", now("hub.secret.cryptKeys"), {"keys": now(_IN_SECRETS.format("cryptKeys"))}),
    "hub.config.*": none("JLD's hub runs no such class; classes of your own belong into hub.extraConfig"),
}

HUB: Rows = {
    "hub": now("hub"),
    **CONFIG,
    "hub.activeServerLimit": now("hub.traits.JupyterHub.active_server_limit"),
    "hub.allowNamedServers": now("hub.namedServers.limit"),
    "hub.namedServerLimitPerUser": now("hub.namedServers.limit"),
    "hub.annotations": now("hub.pod.annotations"),
    "hub.labels": now("hub.pod.labels"),
    "hub.nodeSelector": now("hub.pod.nodeSelector"),
    "hub.tolerations": now("hub.pod.tolerations"),
    "hub.args": not_needed("the chart starts the hub"),
    "hub.command": not_needed("the chart starts the hub"),
    "hub.authenticatePrometheus": by_hand(
        "hub.metrics.scrapers", "who may read the hub's numbers is named, and has a token"
    ),
    "hub.baseUrl": now("global.hubRoute", "`/`, or one name between slashes"),
    "hub.concurrentSpawnLimit": now("hub.lab.startsAtOnce"),
    "hub.consecutiveFailureLimit": now("hub.traits.KubeSpawner.consecutive_failure_limit"),
    "hub.containerSecurityContext": SAFE,
    "hub.podSecurityContext": SAFE,
    "hub.fsGid": SAFE,
    "hub.uid": SAFE,
    "hub.cookieSecret": now(_IN_SECRETS.format("cookieSecret")),
    "hub.db": now("hub.db"),
    "hub.db.type": now("hub.db.external", "`true` for PostgreSQL; SQLite on a claim is the default"),
    "hub.db.url": now(_IN_SECRETS.format("dbUrl"), _DATABASE),
    "hub.db.password": now(_IN_SECRETS.format("dbUrl"), "it is part of the address"),
    "hub.db.upgrade": now("hub.db.upgrade"),
    "hub.db.pvc": now("hub.db"),
    "hub.db.pvc.storage": now("hub.db.capacity"),
    "hub.db.pvc.storageClassName": now("hub.db.storageClass"),
    "hub.db.pvc.accessModes": not_needed("one pod writes the database"),
    "hub.db.pvc.annotations": none(OBJECTS),
    "hub.db.pvc.selector": none(OBJECTS),
    "hub.db.pvc.subPath": none(OBJECTS),
    "hub.deploymentStrategy": not_needed("there is one hub at a time"),
    "hub.existingSecret": by_hand(
        "hub.existingSecret", "a Secret with JLD's keys: those of hub.secret in docs/reference.md"
    ),
    "hub.extraConfig": by_hand(
        "hub.extraConfig",
        "a file NN-name.py for each; look through it first, for what it sets may be JLD's own, and there is no module z2jh",
    ),
    "hub.extraConfigMap": by_hand("hub.environment or hub.files", "your own configuration reads either"),
    "hub.extraContainers": now("hub.pod.containers"),
    "hub.initContainers": now("hub.pod.initContainers"),
    "hub.lifecycle": now("hub.pod.lifecycle"),
    "hub.extraEnv": now("hub.environment"),
    "hub.extraFiles": now("hub.files"),
    "hub.extraVolumes": now("hub.volumes", "each with its mount"),
    "hub.extraVolumeMounts": now("hub.volumes", "each with its volume"),
    "hub.extraPodSpec": POD_SPEC,
    "hub.image": not_needed(
        "the hub's image is JLD's; what yours adds goes into an image on top of it, named in hub.image.repository and hub.image.tag"
    ),
    "hub.imagePullSecret": by_hand(
        "global.imagePullSecrets", "make the Secret with `kubectl create secret docker-registry`"
    ),
    "hub.livenessProbe": PROBES,
    "hub.readinessProbe": PROBES,
    "hub.loadRoles": now("hub.roles"),
    "hub.services": now("hub.services", "services that other pods run"),
    "hub.services.*": now("hub.services", "services that other pods run"),
    "hub.services.*.name": not_needed("a service has the name of its key"),
    "hub.services.*.apiToken": now(_IN_SECRETS.format("services.<name>")),
    "hub.services.*.api_token": now(_IN_SECRETS.format("services.<name>")),
    "hub.services.*.admin": by_hand("hub.services.<name>.scopes", "say what it may do"),
    "hub.services.*.url": by_hand(
        "hub.services.<name>.url and pods", "the front door must know the pods that it leads to"
    ),
    "hub.services.*.command": none("nothing of a service runs in the hub's pod; run it in a pod of its own"),
    "hub.services.*.environment": none("nothing of a service runs in the hub's pod; run it in a pod of its own"),
    "hub.services.*.oauth_redirect_uri": now("hub.services.<name>.oauthRedirect"),
    "hub.services.*.oauth_no_confirm": now("hub.services.<name>.oauthNoConfirm"),
    "hub.services.*.*": none("a service has a url, scopes and pods; see `jld explain hub.services.name`"),
    "hub.networkPolicy": now("hub.network"),
    "hub.networkPolicy.enabled": by_hand("global.network.enabled", "policies are on for all pods or for none"),
    "hub.networkPolicy.ingress": now("hub.network.ingress"),
    "hub.networkPolicy.egress": now("hub.network.egress"),
    "hub.networkPolicy.egressAllowRules": EGRESS,
    "hub.networkPolicy.interNamespaceAccessLabels": by_hand("hub.network.ingress", "say who, by a rule"),
    "hub.networkPolicy.allowedIngressPorts": by_hand("hub.network.ingress", "say who, by a rule"),
    "hub.pdb": BUDGET,
    "hub.redirectToServer": now("hub.traits.JupyterHub.redirect_to_server"),
    "hub.resources": now("hub.resources"),
    "hub.revisionHistoryLimit": HISTORY,
    "hub.service": not_needed("the hub is reached by the front door alone"),
    "hub.serviceAccount": now("hub.pod.serviceAccount"),
    "hub.serviceAccount.create": ACCOUNT,
    "hub.serviceAccount.name": ACCOUNT,
    "hub.serviceAccount.annotations": now("hub.pod.serviceAccount.annotations"),
    "hub.shutdownOnLogout": none("a lab outlives a logout; hub.culling stops it when nobody uses it"),
    "hub.templatePaths": by_hand(
        "hub.extraConfig", "files of hub.files or hub.volumes may be added to c.JupyterHub.template_paths"
    ),
    "hub.templateVars": now("hub.traits.JupyterHub.template_vars"),
}
