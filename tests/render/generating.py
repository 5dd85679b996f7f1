"""hypothesis strategies for whole sites, made from the chart's own schema.

The schema says what each key may hold. What it says between keys (one way to log in, one certificate, a mode of storage) is chosen
here, because a generator that only filtered would find nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from generating_logs import agreed
from hypothesis import strategies as st
from jld.rules.images.registry import OWN
from jld.schema.validation import resolved
from jld.support.key_paths import JsonMap, map_at

Data = dict[str, Any]
CHOSEN_HERE = (
    *("secret", "auth", "options", "tls", "traits", "extraConfig", "existingSecret", "certificateAuthorities"),
    *("network", "affinity", "proxy", "environment", "files", "initContainers", "containers", "lifecycle"),
)
TRAITS = {
    "KubeSpawner": {"http_timeout": 300, "node_selector": {"pool": "labs"}, "environment": {"TZ": "UTC"}},
    "JupyterHub": {"active_server_limit": 200},
}
TOLERATIONS = [{"key": "labs", "operator": "Exists"}]  # drawn ones contradict themselves
PEERS = [
    {"namespaceSelector": {"matchLabels": {"team": "data"}}, "podSelector": {}},
    {"ipBlock": {"cidr": "10.20.0.0/16"}},
]
NETWORK = {  # rules are refused for so many reasons that drawn ones seldom get through
    "ingress": [{"from": PEERS, "ports": [{"port": 9000, "endPort": 9010, "protocol": "UDP"}]}],
    "egress": [{"to": PEERS, "ports": [{"port": 5432}, {"port": "amqps"}]}],
}
OF_LABS = NETWORK | {"allow": ["10.20.0.0/16", "2001:db8::/32"], "deny": ["198.51.100.0/24", "::/0"]}
OF_ALL = {
    "enabled": False,
    "cilium": True,
    "dns": {"ports": [53], "pods": [{"namespace": "kube-system"}], "networks": ["169.254.20.10/32"]},
    "apiServerPorts": [6443, 7443],
}
# What a site adds to the hub and to labs: drawn names and paths would be JLD's own, or lie in each other.
CONTAINER = {
    "name": "proxy",
    "image": "quay.io/my-org/proxy:1",
    "args": ["{{ x }}"],
    "volumeMounts": [{"name": "own", "mountPath": "/a"}],
}
ADDED = {
    "environment": {"TZ": "UTC", "A": "é: {{ x }} {y}\n", "B": {"secret": "a", "key": "b.c"}},
    "files": {"/etc/own/a.yaml": "a: {{ x }}\n", "/etc/own/b": {"secret": "a", "key": "b.c"}},
    "volumes": {
        "own": {"mountPath": "/opt/own", "emptyDir": {"sizeLimit": "1Gi"}},
        "of-secret": {
            "mountPath": "/opt/secret",
            "secret": {"secretName": "a", "items": [{"key": "k", "path": "a/b"}]},
        },
        "drive": {"mountPath": "/opt/drive", "subPath": "a/b", "readOnly": True, "csi": {"driver": "x.example.org"}},
    },
}
IN_ONE_NAMESPACE = {
    "map": {"mountPath": "/opt/map", "configMap": {"name": "a", "optional": True}},
    "claim": {"mountPath": "/opt/claim", "persistentVolumeClaim": {"claimName": "a"}},
}
CONTAINERS = {
    "initContainers": [CONTAINER],
    "containers": [CONTAINER | {"name": "other"}],
    "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "{{ x }}"]}}},
}
_FREE = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "noisy"}}}
AFFINITY = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_FREE]}}
PROXIES = [  # whose drawn hosts are seldom addresses
    {"https": "http://10.20.0.5:3128", "except": [".example.org", "quay.io"]},
    {"https": "https://proxy.example.org:443"},
]
ADDRESSES = {f"{each}_url": f"https://id.example.org/{each}" for each in ("authorize", "token", "userdata")}


Strategy = Callable[[JsonMap, JsonMap], st.SearchStrategy[Any]]


def made_once(make: Strategy) -> Strategy:
    """A strategy for each rule: making them takes most of the time of drawing."""
    made: dict[int, tuple[JsonMap, st.SearchStrategy[Any]]] = {}

    @wraps(make)
    def once(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[Any]:
        if id(rule) not in made:
            made[id(rule)] = rule, make(rule, schema)  # with the rule, so that no other gets its identity
        return made[id(rule)][1]

    return once


@made_once
def values(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[Any]:
    """What `rule` accepts by itself."""
    rule = resolved(rule, schema)
    if "enum" in rule:
        return st.sampled_from(rule["enum"])
    if "anyOf" in rule and "type" not in rule:
        return st.one_of([values(each, schema) for each in rule["anyOf"]])
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return st.one_of([_KINDS[kind](rule, schema) for kind in kinds])


@cache
def _matching(pattern: str) -> st.SearchStrategy[str]:
    written = pattern.removesuffix("$").replace(":[0-9]{1,5}", ":[1-9][0-9]{0,3}")  # ports that there are
    alphabet = st.characters(codec="utf-8", exclude_categories=["Cn"])
    return st.from_regex(re.compile(written + r"\Z", re.ASCII), alphabet=alphabet)


def _text(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[str]:
    longest = min(rule.get("maxLength", 60), 60)
    if "pattern" in rule:
        refused = re.compile(rule.get("not", {}).get("pattern", r"(?!)"), re.ASCII)
        taken = rule.get("not", {}).get("enum", ())
        texts = _matching(rule["pattern"])
        return texts.filter(lambda text: len(text) <= longest and not refused.search(text) and text not in taken)
    return st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=rule.get("minLength", 0), max_size=20
    )


def _number(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[Any]:
    return _whole(rule, schema) | st.integers(1, 8).map(lambda eighths: rule.get("minimum", 0) + eighths / 8)


def _whole(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[int]:
    return st.integers(max(1, int(rule["minimum"])), rule["maximum"])


def _list(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[list[Any]]:
    return st.lists(_complete(rule["items"], schema), min_size=rule.get("minItems", 0), max_size=3, unique_by=repr)


def _complete(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[Any]:
    """An entry of a list or a map, which no default completes."""
    needed = resolved(rule, schema).get("required", [])
    return values(rule, schema).filter(lambda entry: all(key in entry for key in needed))


@made_once
def _map(rule: JsonMap, schema: JsonMap) -> st.SearchStrategy[Data]:
    """Any of the keys: the others have defaults."""
    known = {
        key: values(child, schema)
        for key, child in rule.get("properties", {}).items()
        if key not in CHOSEN_HERE and key != "global" and child.get("$ref") != "#/$defs/furtherVolumes"
    }
    fixed = st.fixed_dictionaries({}, optional=known)
    more = rule.get("additionalProperties")
    if not isinstance(more, dict):
        return fixed
    names = _text(resolved(rule["propertyNames"], schema), schema)
    return st.dictionaries(names, _complete(more, schema), min_size=rule.get("minProperties", 0), max_size=3)


_KINDS: dict[str, Strategy] = {
    "string": _text,
    "number": _number,
    "integer": _whole,
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
    "array": _list,
    "object": _map,
}


@st.composite
def sites(draw: st.DrawFn, schema: JsonMap) -> Data:
    """A site that is right."""
    site: Data = draw(_map(schema, schema))
    parts = schema["properties"]
    hub, nginx, storage = (site.setdefault(part, {}) for part in ("hub", "nginx", "storage"))
    site["global"] = draw(_map(parts["global"], schema)) | {
        "hostname": draw(values(parts["global"]["properties"]["hostname"], schema))
    }
    hub["auth"] = draw(_auth(parts["hub"]["properties"]["auth"], schema))
    name = values(schema["$defs"]["objectName"], schema)
    by_authority = {"letsencrypt": {"email": "operator@example.org"}}
    known_to_all = re.search(r"\.[^.]*[^0-9.][^.]*$", site["global"]["hostname"])
    nginx["tls"] = draw(
        st.one_of(
            st.just(by_authority if known_to_all else {"selfSigned": True}),
            name.map(lambda own: {"existingSecret": own}),
            name.map(lambda own: {"issuer": {"name": own}}),
        )
    )
    nginx["offload"] = draw(st.booleans())  # moved below
    if draw(st.booleans()):
        hub["existingSecret"] = draw(name)
        nginx["routes"] = {"existingSecret": draw(name)}
    hub["traits"] = draw(st.sampled_from([{}, TRAITS]))
    hub["extraConfig"] = draw(
        st.sampled_from([{}, {"50-greeting.py": "c.JupyterHub.template_vars = {'a': 'é: {{ x }}'}\n"}])
    )
    for part, network in ((site["global"], OF_ALL), (hub, NETWORK), (nginx, NETWORK), (storage, NETWORK)):
        part["network"] = draw(st.fixed_dictionaries({}, optional={key: st.just(network[key]) for key in network}))
    hub.setdefault("lab", {})["network"] = draw(
        st.fixed_dictionaries({}, optional={key: st.just(OF_LABS[key]) for key in OF_LABS})
    )
    if draw(st.booleans()):
        site["global"]["proxy"] = draw(st.sampled_from(PROXIES))
    for part in (hub, hub["lab"]):
        part |= draw(st.fixed_dictionaries({}, optional={key: st.just(ADDED[key]) for key in ADDED}))
        if "volumes" in part:
            in_one = part is hub or not site["global"].get("userNamespaces")
            part["volumes"] = part["volumes"] | (IN_ONE_NAMESPACE if in_one else {})
            part["pod"] = part.get("pod", {}) | draw(st.sampled_from([{}, CONTAINERS]))
    if draw(st.booleans()):  # among so many keys they would hardly ever be drawn
        lab = parts["hub"]["properties"]["lab"]["properties"]
        hub.setdefault("lab", {})["images"] = draw(values(lab["images"] | {"minProperties": 1}, schema))
    _agree(site["global"], hub, nginx, storage)
    site["logging"] = agreed(site.get("logging", {}))
    _agree_about_pods(site)
    _agree_about_images_of_ours(site)
    _agree_about_the_prepuller(site.get("prepuller", {}), hub["lab"].get("images", {}))
    for key in (
        "volumes",
        "workArea",
        "searchPath",
        "replicas",
        "route",
        "javaMemory",
        "resources",
    ):  # hang on other parts; values/ has examples
        site.get("firefly", {}).pop(key, None)
    return site


@st.composite
def _auth(draw: st.DrawFn, rule: JsonMap, schema: JsonMap) -> Data:
    admins = draw(values(rule["properties"]["admins"], schema))
    if draw(st.booleans()):
        users = draw(values(rule["properties"]["dummy"]["properties"]["users"], schema))
        return {"admins": users[: len(admins)], "dummy": {"users": users}}
    way = draw(st.sampled_from(["github", "cilogon", "other"]))
    if way != "github":
        return _named({"admins": admins, way: draw(_claims_login(rule["properties"][way], schema))}, way)
    github = rule["properties"]["github"]
    chosen = draw(_map(github, schema))
    chosen["clientId"] = draw(values(github["properties"]["clientId"], schema))
    group = values(schema["$defs"]["githubGroup"], schema)
    chosen["organizations"] = chosen.get("organizations", {}) | {
        "allow": draw(st.lists(group, min_size=1, max_size=2, unique=True))
    }
    _deny_others(chosen["organizations"])
    return _named({"admins": admins, "github": chosen}, "github")


def _agree_about_the_prepuller(prepuller: Data, images: Data) -> None:
    if any(image.get("tags") for image in images.values()):
        prepuller.pop("enabled", None)
    if prepuller.get("enabled") is False or prepuller.get("nodesAtOnce") == 0:
        prepuller.pop("purge", None)
    if "resources" in prepuller:
        prepuller["resources"]["requests"] = {"cpu": "1m", "memory": "1Mi"}
        prepuller["resources"].get("limits", {}).pop("memory", None)


def _named(auth: Data, way: str) -> Data:
    """Names that the login gives: at GitHub without dots, with CILogon with a domain."""
    domain = "" if way == "github" else ".a-domain"
    users = auth[way].get("users", {})
    if len(auth[way].get("identityProviders", {})) > 1:  # without prefixes a name would be of any of them
        auth["admins"] = []
        users.pop("allow", None)
    for holder, key in ((auth, "admins"), (users, "allow")):
        if key in holder:
            holder[key] = [f"u{name[:40].replace('.', '-')}{domain}" for name in holder[key]]
    return auth


@st.composite
def _claims_login(draw: st.DrawFn, rule: JsonMap, schema: JsonMap) -> Data:
    """Somebody is let in by a group."""
    chosen = draw(_map(rule, schema))
    for name in rule["required"]:
        chosen[name] = draw(values(rule["properties"][name], schema))
    if "class" in chosen:
        chosen |= {"class": "generic-oauth", "options": ADDRESSES}
    for provider in chosen.get("identityProviders", {}).values():
        provider.pop("prefix", None)
    group = values(schema["$defs"]["claimedGroup"], schema)
    chosen["groups"] = chosen.get("groups", {}) | {"allow": draw(st.lists(group, min_size=1, max_size=2, unique=True))}
    _deny_others(chosen["groups"])
    return chosen


def _deny_others(lists: Data) -> None:
    """Nobody is allowed and denied, whose organisation neither."""
    allowed = {name.casefold() for each in lists["allow"] for name in (each, each.partition(":")[0])}
    if "deny" in lists:
        lists["deny"] = [each for each in lists["deny"] if each.casefold() not in allowed]


def _agree_about_pods(site: Data) -> None:
    """Drawn tolerations contradict themselves, two drawn constraints may say the same, and not every part has an account."""
    with_account = [
        (site, "global"),
        (site, "storage"),
        (site, "hub"),
        (site["hub"], "lab"),
        (site["logging"], "filebeat"),
    ]
    without = [(site, "nginx"), (site, "firefly"), (site, "logging"), (site["storage"], "nfs")]
    for above, part in (*with_account, *without, (site, "prepuller")):
        pod = above.get(part, {}).get("pod", {})
        if (above, part) in without:
            pod.pop("serviceAccount", None)
        if "tolerations" in pod:
            pod |= {"tolerations": TOLERATIONS, "affinity": AFFINITY}
        if "topologySpread" in pod:
            pod["topologySpread"] = pod["topologySpread"][:1]


def _agree_about_sizes(lab: Data) -> None:
    if "ladder" in lab:
        names = lab["ladder"].get("names")
        lab.pop("sizes", None)
        lab["defaultSize"] = names[0] if names else "small"
    elif "sizes" in lab or "defaultSize" in lab:
        lab["sizes"] = lab.get("sizes") or {"tiny": {"cpu": 1, "memory": "1Gi"}}
        lab["defaultSize"] = next(iter(lab["sizes"]))
        lab["sizes"][lab["defaultSize"]].pop("groups", None)
    for size in lab.get("sizes", {}).values():
        for part, whole in (("guaranteedCpu", "cpu"), ("guaranteedMemory", "memory"), ("shmSize", "memory")):
            if part in size:
                size[part] = size[whole]
        if "tolerations" in size:
            size["tolerations"] = TOLERATIONS
    lab.get("placeholders", {}).pop("counts", None)  # names of sizes; values/everything.yaml has some


def _agree_about_images(lab: Data) -> None:
    """Each is one image or a series; the first one is for everybody."""
    images = lab.get("images", {})
    for image in images.values():
        image.pop("sizes", None)
        drawn = re.sub(r"^\[[^]]*\]", "[2001:db8::7]", image["reference"])
        repository = re.sub(r"(:[^:/@]*)?(@.*)?$", "", re.sub(r":[0-9]+/", ":5000/", drawn))
        if image.get("tags"):
            image |= {"reference": repository, "pins": ["1.0"], "newest": {"release": 2}}
            if isinstance(image["tags"], dict):
                image["tags"] = {"release": r"(?P<v1>\d+)\.(?P<v2>\d+)"}
        else:
            image["reference"] = f"{repository}:1.0"
            for of_a_series in ("newest", "pins", "recommended"):
                image.pop(of_a_series, None)
    lab["defaultImage"] = next(iter(images), "")
    for default in list(images.values())[:1]:
        default.pop("groups", None)
    typed = lab.get("typedImages", {})
    if typed.get("groups"):
        typed["allow"] = typed.get("allow") or ["quay.io/jupyter/*"]


def _agree_about_images_of_ours(site: Data) -> None:
    """They are below the registry of all, and name none themselves."""
    for path in OWN:
        image = map_at(site, *path)
        if "repository" in image:
            image["repository"] = re.sub(r"^[^/]*\.[^/]*/", "of-ours/", str(image["repository"]))


def _agree_about_services(hub: Data) -> None:
    services, roles = hub.get("services", {}), hub.get("roles", {})
    for each in (*services.values(), *roles.values()):
        if each.get("scopes"):
            each["scopes"] = ["list:users", "access:services!service=x"]  # drawn ones are none of JupyterHub's
    for service in services.values():
        if service.get("url"):
            service["pods"] = service.get("pods") or [{"namespace": "tools"}]
    for role in roles.values():
        role.pop("users", None)  # drawn names are none of the login's
        role["services"] = list(services)[:1]
        role["groups"] = [] if "dummy" in hub["auth"] else ["my-org:teachers"]
    hub.get("culling", {}).pop("people", None)


def _agree(top: Data, hub: Data, nginx: Data, storage: Data) -> None:
    """What hangs together is made to fit: the limits stay as they are drawn."""
    lab = hub.setdefault("lab", {})
    _agree_about_sizes(lab)
    _agree_about_images(lab)
    _agree_about_services(hub)
    for choice in (*lab.get("sizes", {}).values(), *lab.get("images", {}).values(), lab.get("typedImages", {})):
        if choice.get("groups"):  # drawn ones are none of GitHub's, and a trial has none
            choice["groups"] = [] if "dummy" in hub["auth"] else ["my-org:developers"]
    lab["repositories"] = lab.get("repositories", [])[:1]
    for limits in ("quota", "limitRange"):
        of_a_person = lab.get("perUser", {}).get(limits, {})
        if of_a_person and top.get("userNamespaces"):
            lab["perUser"][limits] = {"cpu": 10**8, "memory": "999999Pi"}
        elif of_a_person:
            del lab["perUser"][limits]
    if top.get("userNamespaces"):
        lab.pop("quota", None)
        storage["mode"] = "hostPath" if storage.get("mode", "claim") == "claim" else storage["mode"]
    quota = lab.get("quota", {})
    if quota.get("labs"):
        lab["quota"] = {"labs": quota["labs"]}
    elif quota:
        lab["quota"] = {name: most for name, most in (("cpu", 10**8), ("memory", "999999Pi")) if name in quota}
    for owner in (hub, nginx, *(storage.get(part, {}) for part in ("nfs", "keepalive", "backup"))):
        if "resources" in owner:
            owner["resources"]["requests"] = {"cpu": "1m", "memory": "1Mi"}
            owner["resources"].get("limits", {}).pop("memory", None)
    service = nginx.get("service", {})
    ports = service.get("nodePorts")
    if ports and (service.get("type") == "ClusterIP" or ports.get("http") == ports.get("https")):
        del service["nodePorts"]
    if service.pop("loadBalancerSourceRanges", None) and service.get("type", "LoadBalancer") == "LoadBalancer":
        service["loadBalancerSourceRanges"] = ["192.0.2.0/24", "2001:db8::/32"]
    if service.get("type", "LoadBalancer") != "LoadBalancer":
        service.pop("loadBalancerIP", None)
    if service.get("type") == "ClusterIP":
        service.pop("externalTrafficPolicy", None)
    if len(service.get("ipFamilies", [])) > 1:
        service["ipFamilyPolicy"] = "PreferDualStack"
    behind = nginx.get("mode", "service") != "service"
    offload = nginx.pop("offload") and not behind
    if offload:
        nginx["tls"] = {"offload": True}
    if behind:
        nginx.pop("proxyProtocol", None)
        nginx["service"] = {
            key: service[key] for key in ("annotations", "ipFamilyPolicy", "ipFamilies") if key in service
        }
        if re.fullmatch(r"[0-9.]+", top["hostname"]):
            top["hostname"] = "jupyter.example.org"  # no address
    else:
        nginx.pop("controllers", None)
    if ports := hub.get("db", {}).get("ports"):
        hub["db"]["ports"] = [5432, *(each for each in ports if each != 5432)][:100]  # that of the secret address
    monitoring = top.get("monitoring", {})
    if monitoring.get("monitors") or monitoring.get("dashboard"):
        hub["metrics"] = {"scrapers": [{"namespace": "monitoring"}]}
    if not monitoring.get("monitors") and not monitoring.get("rules"):
        monitoring.pop("labels", None)
    if top.get("hubRoute", "/") == "/":
        nginx.pop("landingPage", None)
    if nginx.get("mode") == "gateway":
        del nginx["tls"]
        nginx["gateway"] = nginx.get("gateway", {}) | {"name": nginx.get("gateway", {}).get("name") or "public"}
    # Addresses inside of networks are drawn too.
    if nginx.pop("trustedProxies", None) or nginx.get("proxyProtocol") or behind or offload:
        nginx["trustedProxies"] = ["10.0.0.0/8", "2001:db8::/32"]
    storage.pop("volumes", None)  # drawn names and folders collide; the examples in values/ have several
    nfs, external = storage.setdefault("nfs", {}), storage.setdefault("external", {})
    nfs.pop("clients", None)
    nfs.pop("existingClaim", None)
    for owner in (nfs, external):
        if owner.get("mountOptions"):
            owner["mountOptions"] = ["nfsvers=4.1", "hard"]  # drawn ones are no words of mount(8)
    own_homes = storage.get("homes") == "perPerson"
    if own_homes:
        lab.pop("provisionHomes", None)
        storage.get("keepalive", {}).pop("enabled", None)
        if storage.get("mode") == "nfs":
            storage["mode"] = "external"  # the file server would have nothing to hold
    if storage.get("backup"):
        volumes = [] if own_homes else ["home"]
        storage["backup"] |= {"claim": storage["backup"].get("claim") or "archives", "volumes": volumes}
    nfs["storageClass"] = nfs.get("storageClass") or "fast"
    nfs["address"] = {"mode": "static", "clusterIP": "10.96.12.34"} if nfs.get("address") else {}
    external["server"] = external.get("server") or "nfs.example.org"
