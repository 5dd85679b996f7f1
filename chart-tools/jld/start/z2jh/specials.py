"""Keys that one line does not convert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jld.rules.images.series import IMAGES
from jld.schema.validation import key_rule
from jld.schema.validator import is_valid
from jld.secrets import formats
from jld.site.tree import Node, find, plain
from jld.start.legacy_values import NotMigrated
from jld.start.z2jh import forms
from jld.start.z2jh.login import Login, Paths
from jld.start.z2jh.profiles import gpus_of
from jld.support.key_paths import JsonMap, KeyPath

SIZES: KeyPath = ("hub", "lab", "sizes")
_LAB_POD: KeyPath = ("hub", "lab", "pod")
_PURPOSE = "hub.jupyter.org/node-purpose"
SPECIAL: dict[str, str] = {
    **dict.fromkeys(("proxy.https.hosts", "ingress.hosts", "httpRoute.hostnames"), "_hostname"),
    "hub.baseUrl": "_base_url",
    "hub.allowNamedServers": "_named_servers",
    "hub.namedServerLimitPerUser": "_named_limit",
    "hub.db.type": "_db_type",
    "hub.db.url": "_db_url",
    "hub.db.password": "_db_password",
    "hub.cookieSecret": "_cookie_secret",
    "proxy.https.enabled": "_https",
    "proxy.https.type": "_https_type",
    **dict.fromkeys(("ingress.enabled", "httpRoute.enabled"), "_way"),
    "ingress.tls": "_ingress_tls",
    "httpRoute.parentRefs": "_parents",
    **dict.fromkeys(("singleuser.image.name", "singleuser.image.tag"), "_image"),
    **{f"singleuser.{kind}.{key}": "_base_size" for kind in ("cpu", "memory") for key in ("limit", "guarantee")},
    **dict.fromkeys(("singleuser.extraResource.limits", "singleuser.extraResource.guarantees"), "_base_size"),
    "singleuser.profileList": "_profiles",
    "singleuser.storage.type": "_storage_type",
    **{
        f"singleuser.storage.{key}": "_dynamic"
        for key in ("capacity", "dynamic.storageClass", "dynamic.storageAccessModes")
    },
    **dict.fromkeys(("singleuser.storage.extraVolumes", "singleuser.storage.extraVolumeMounts"), "_volumes"),
    **dict.fromkeys(("hub.extraVolumes", "hub.extraVolumeMounts"), "_hub_volumes"),
    **{
        f"singleuser.{kind}.{when}": "_affinity"
        for kind in ("extraNodeAffinity", "extraPodAffinity", "extraPodAntiAffinity")
        for when in ("required", "preferred")
    },
    **{f"scheduling.{pods}.nodeAffinity.matchNodePurpose": "_purpose" for pods in ("corePods", "userPods")},
    **dict.fromkeys(("singleuser.extraTolerations", "scheduling.userPods.tolerations"), "_tolerations"),
    "scheduling.userPlaceholder.replicas": "_placeholders",
    "scheduling.userPlaceholder.enabled": "_placeholders_enabled",
    **dict.fromkeys(("prePuller.hook.enabled", "prePuller.continuous.enabled"), "_prepuller"),
    **dict.fromkeys(("cull.enabled", "cull.timeout", "cull.maxAge"), "_cull"),
    "debug.enabled": "_debug",
}


class Specials(Login):
    """Each method converts the keys that `SPECIAL` names with it."""

    _base: JsonMap  # what every lab has, in the words of a size
    _profile_nodes: list[dict[str, Node]]
    _room: int

    def _given(self, *path: str) -> bool:
        node = find(self._old, path)
        return bool(node and node.value not in (None, "", [], {}, False))

    def _put_each(self, target: KeyPath, found: dict[str, Any]) -> Paths:
        """Put what fits of several entries."""
        rule = {
            key: value
            for key, value in key_rule(self._schema, target).items()
            if key not in ("required", "minProperties")
        }
        right = {
            name: value
            for name, value in found.items()
            if value is not None and is_valid({name: value}, rule, self._schema)
        }
        paths = [path for name, value in right.items() for path in self._set((*target, name), value)]
        left = sorted(set(found) - set(right))
        if not paths:
            raise NotMigrated(f"nothing of it fits: {', '.join(left)}")
        return paths, f"without {', '.join(left)}, which does not fit" if left else ""

    def _hostname(self, _: KeyPath, node: Node) -> Paths:
        first, *others = forms.names(node)
        remark = f"without {', '.join(others)}: there is one name" if others else ""
        return self._set(("global", "hostname"), first.lower().rstrip(".")), remark

    def _base_url(self, _: KeyPath, node: Node) -> Paths:
        name = forms.text(node).strip("/")
        return self._set(("global", "hubRoute"), f"/{name}/" if name else "/"), ""

    def _named_servers(self, _: KeyPath, node: Node) -> Paths:
        limit = find(self._old, ("hub", "namedServerLimitPerUser"))
        if not forms.boolean(node):
            return [], "nobody has any, by default"
        many = forms.whole(limit) if limit and limit.value else 5
        return self._set(
            ("hub", "namedServers", "limit"), min(many, 100)
        ), "" if limit and limit.value else "5 a person; JLD wants a number"

    def _named_limit(self, _: KeyPath, node: Node) -> Paths:
        return [("hub", "namedServers", "limit")] if self._given(
            "hub", "allowNamedServers"
        ) else [], f"{forms.whole(node)} a person"

    def _db_type(self, _: KeyPath, node: Node) -> Paths:
        kind = forms.text(node)
        if kind == "postgres":
            return self._set(("hub", "db", "external"), True), ""
        if kind == "sqlite-pvc":
            return [], "it is the default"
        raise NotMigrated("JLD's hub has SQLite, on a claim of its own, and PostgreSQL")

    def _db_url(self, _: KeyPath, node: Node) -> Paths:
        return self._database(node)

    def _db_password(self, _: KeyPath, __: Node) -> Paths:
        path = (*formats.HUB_SECRET, "dbUrl")
        if not self._given("hub", "db", "url"):
            raise NotMigrated("it is part of an address, and there is none")
        return [path], "in the address, in secrets.yaml"

    def _cookie_secret(self, _: KeyPath, node: Node) -> Paths:
        return self._secret("cookieSecret", forms.text(node))

    def _service(self, path: KeyPath, node: Node) -> Paths:
        if len(path) < 4:
            raise forms.wrong(node, "keys and values")
        name, key = str(path[2]), str(path[3])
        service: KeyPath = ("hub", "services", name)
        rule = {key: value for key, value in key_rule(self._schema, service[:2]).items() if key == "propertyNames"}
        if not is_valid({name: {}}, rule, self._schema):
            raise NotMigrated("the name is not one that a service may have")
        if key in ("apiToken", "api_token"):
            if not formats.SERVICE_TOKEN.matches(forms.text(node)):
                raise NotMigrated(f"what it holds (not shown) is not {formats.SERVICE_TOKEN.accepted}")
            paths, remark = self._set_secret((*formats.SERVICE_TOKENS, name), forms.text(node))
            return [*(self._set(service, {}) if not self._has(service) else []), *paths], remark
        today = {"oauth_redirect_uri": "oauthRedirect", "oauth_no_confirm": "oauthNoConfirm"}[key]
        return self._set((*service, today), plain(node)), ""

    def _roles(self, path: KeyPath, node: Node) -> Paths:
        known = ("description", "scopes", "users", "groups", "services")
        roles = {
            name: {k: v for k, v in plain(Node(forms.entries(each))).items() if k in known}
            for name, each in forms.entries(node).items()
        }
        return self._put_each(("hub", "roles"), roles)

    def _https(self, _: KeyPath, node: Node) -> Paths:
        return [], "the front door always speaks https" if forms.boolean(
            node
        ) else "people come by https all the same; say where the certificate comes from"

    def _https_type(self, _: KeyPath, node: Node) -> Paths:
        kind = forms.text(node)
        if kind == "offload":
            return self._set(("nginx", "tls", "offload"), True), ""
        if kind not in ("letsencrypt", "manual", "secret"):
            raise forms.wrong(node, "letsencrypt, manual, secret or offload")
        return [], "the keys below it say it"

    def _way(self, path: KeyPath, node: Node) -> Paths:
        if not forms.boolean(node):
            return [], "it is off"
        return self._set(("nginx", "mode"), "ingress" if path[0] == "ingress" else "gateway"), ""

    def _ingress_tls(self, _: KeyPath, node: Node) -> Paths:
        named = [each["secretName"] for each in forms.maps(node) if "secretName" in each]
        if not named:
            raise NotMigrated("it names no Secret")
        return self._set(("nginx", "tls", "existingSecret"), forms.text(named[0])), "" if len(
            named
        ) == 1 else "the first one"

    def _parents(self, _: KeyPath, node: Node) -> Paths:
        first = next(iter(forms.maps(node)), {})
        return self._put_each(
            ("nginx", "gateway"), {k: plain(v) for k, v in first.items() if k in ("name", "namespace", "sectionName")}
        )

    def _image(self, path: KeyPath, node: Node) -> Paths:
        forms.text(node)
        return [(*IMAGES,)], "" if path[-1] == "name" or self._given(
            "singleuser", "image", "name"
        ) else "of no image, without a name"

    def _base_size(self, path: KeyPath, node: Node) -> Paths:
        if path[1] == "extraResource":
            self._base |= gpus_of(node)
        else:
            form: Callable[[Node], Any] = forms.cores if path[1] == "cpu" else forms.bytes_of
            amount_key = {"limit": path[1], "guarantee": f"guaranteed{str(path[1]).capitalize()}"}[str(path[2])]
            self._base[str(amount_key)] = form(node)
        return [SIZES], ""

    def _profiles(self, _: KeyPath, node: Node) -> Paths:
        self._profile_nodes = forms.maps(node) if isinstance(node.value, list) else []
        if not self._profile_nodes:
            raise forms.wrong(node, "a list of profiles")
        return [IMAGES, SIZES], ""

    def _storage_type(self, _: KeyPath, node: Node) -> Paths:
        kind = forms.text(node)
        if kind == "dynamic":
            return self._set(("storage", "homes"), "perPerson"), ""
        if kind == "static":
            return [], "homes are in one volume, by default"
        raise NotMigrated("everybody has a home")

    def _dynamic(self, path: KeyPath, node: Node) -> Paths:
        kind = find(self._old, ("singleuser", "storage", "type"))
        if kind and kind.value != "dynamic":
            return [], "homes are in one volume"
        key = {"capacity": "capacity", "storageClass": "storageClass", "storageAccessModes": "accessMode"}[
            str(path[-1])
        ]
        value = forms.disk(node) if key == "capacity" else forms.names(node)[0]
        paths = self._set(("storage", "perPerson", key), value)
        return [*self._set(("storage", "homes"), "perPerson"), *paths], ""

    def _volumes(self, _: KeyPath, __: Node) -> Paths:
        storage, home = ("singleuser", "storage"), find(self._old, ("singleuser", "storage", "homeMountPath"))
        base = forms.text(home).rstrip("/") if home and home.value else "/home/jovyan"
        sources, mounts = (find(self._old, (*storage, key)) for key in ("extraVolumes", "extraVolumeMounts"))
        return self._put_each(("hub", "lab", "volumes"), forms.volumes(sources, mounts, base))

    def _hub_volumes(self, _: KeyPath, __: Node) -> Paths:
        sources, mounts = (find(self._old, ("hub", key)) for key in ("extraVolumes", "extraVolumeMounts"))
        return self._put_each(("hub", "volumes"), forms.volumes(sources, mounts, "/home/jovyan"))

    def _affinity(self, path: KeyPath, node: Node) -> Paths:
        kind = {
            "extraNodeAffinity": "nodeAffinity",
            "extraPodAffinity": "podAffinity",
            "extraPodAntiAffinity": "podAntiAffinity",
        }[str(path[1])]
        listed = [plain(Node(each)) for each in forms.maps(node)]
        when = f"{path[2]}DuringSchedulingIgnoredDuringExecution"
        terms = {"nodeSelectorTerms": listed} if (kind, path[2]) == ("nodeAffinity", "required") else listed
        return self._set((*_LAB_POD, "affinity", kind, when), terms), ""

    def _purpose(self, path: KeyPath, node: Node) -> Paths:
        pod, purpose = (("global", "pod"), "core") if path[1] == "corePods" else (_LAB_POD, "user")
        match forms.text(node):
            case "ignore":
                return [], "pods run anywhere"
            case "require":
                return self._set((*pod, "nodeSelector", _PURPOSE), purpose), ""
            case "prefer":
                terms = {"matchExpressions": [{"key": _PURPOSE, "operator": "In", "values": [purpose]}]}
                when = "preferredDuringSchedulingIgnoredDuringExecution"
                return self._set((*pod, "affinity", "nodeAffinity", when), [{"weight": 100, "preference": terms}]), ""
        raise forms.wrong(node, "ignore, prefer or require")

    def _tolerations(self, path: KeyPath, node: Node) -> Paths:
        target: KeyPath = (*_LAB_POD, "tolerations")
        before = find(self._site, target)
        return self._set(target, [*(plain(before) if before else []), *forms.tolerations(node)]), ""

    def _placeholders(self, _: KeyPath, node: Node) -> Paths:
        self._room = forms.whole(node)
        return ([("hub", "lab", "placeholders", "counts")] if self._room else []), ""

    def _placeholders_enabled(self, _: KeyPath, node: Node) -> Paths:
        forms.boolean(node)
        return [], "counts says how many"

    def _prepuller(self, path: KeyPath, node: Node) -> Paths:
        on = any(
            each is None or each.value is not False
            for each in (find(self._old, ("prePuller", kind, "enabled")) for kind in ("hook", "continuous"))
        )
        forms.boolean(node)
        return ([], "it runs, by default") if on else (self._set(("prepuller", "enabled"), False), "")

    def _cull(self, path: KeyPath, node: Node) -> Paths:
        on = find(self._old, ("cull", "enabled"))
        if path[-1] == "enabled":
            return (
                ([], "it is on, by default")
                if forms.boolean(node)
                else (self._set(("hub", "culling", "idleTimeout"), "0s"), "")
            )
        if on and on.value is False:
            return [], "it is off"
        return self._set(
            ("hub", "culling", {"timeout": "idleTimeout", "maxAge": "maxAge"}[str(path[-1])]), forms.duration(node)
        ), ""

    def _debug(self, _: KeyPath, node: Node) -> Paths:
        return (self._set(("hub", "log", "level"), "DEBUG"), "") if forms.boolean(node) else ([], "it is off")
