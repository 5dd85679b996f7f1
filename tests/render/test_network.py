"""Who may talk to whom, worked out from the NetworkPolicies as a cluster would."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from jld.cli import app
from rendering import Object, Question, Render, chosen_components, render
from test_front_door_modes import BEHIND
from typer.testing import CliRunner

COMPONENTS = ("hub", "lab", "nginx", "test")
PORTS = {
    "hub": {"api": 8081},
    "nginx": {"http": 8080, "https": 8443, "api": 8001},
    "lab": {"": 8888},
    "test": {"": 1},
    "firefly": {"http": 8080},
    "prepuller": {"status": 8080},
}


def policy(rendered: Render, component: str) -> Object:
    (found,) = [
        each["spec"]
        for each in rendered.of_kind("NetworkPolicy")
        if each["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]
    return dict(found)


def opens(rules: list[Object], side: str, peer: str, port: int, names: dict[str, int]) -> bool:
    """Whether a rule lets `port` of a pod through to or from the pods of the component `peer`."""
    for rule in rules:
        ports = [names.get(each["port"], each["port"]) for each in rule.get("ports", [])]
        peers = rule.get(side, [])
        selected = [
            each["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
            for each in peers
            if "podSelector" in each
        ]
        if (not ports or port in ports) and (not peers or peer in selected):
            return True
    return False


def reachable(rendered: Render, components: tuple[str, ...] = COMPONENTS) -> set[tuple[str, str, int]]:
    """(from, to, port) between components, by pod selectors: addresses of pods are private, and not counted."""
    return {
        (source, target, port)
        for source in components
        for target in components
        for port in PORTS[target].values()
        if opens(policy(rendered, source).get("egress", []), "to", target, port, {})
        and opens(policy(rendered, target).get("ingress", []), "from", source, port, PORTS[target])
    }


def test_every_pod_has_a_policy_for_both_ways(site: Path) -> None:
    rendered = render(Question(site))

    components = {pod.component for pod in rendered.pods} | {"lab"}
    assert components == set(COMPONENTS) | chosen_components(site)
    for component in components:
        if not component.startswith("placeholder-"):  # that of all pods, in the next test, is theirs
            assert policy(rendered, component)["policyTypes"] == ["Ingress", "Egress"]


def test_what_an_uninstall_leaves_is_closed_and_nothing_is_meanwhile(site: Path) -> None:
    """A policy only ever opens: this one takes nothing from pods that have their own, and stays when those go."""
    rendered = render(Question(site))
    closed = rendered.one("NetworkPolicy", "jld-closed")
    labels = [pod.labels for pod in rendered.pods] + [rendered.settings()["names"]["labLabels"]]

    assert closed["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    selector = closed["spec"]["podSelector"]["matchLabels"]
    ways = {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}
    assert closed["spec"] == ways | {"podSelector": {"matchLabels": selector}}
    assert [each for each in labels if not selector.items() <= each.items()] == []
    others = render(Question(site, release="other")).pods
    assert [pod.name for pod in others if selector.items() <= pod.labels.items()] == []


def test_the_parts_reach_each_other_where_they_must_and_nowhere_else(values: dict[str, Path]) -> None:
    assert reachable(render(Question(values["minimal"]))) == {
        ("nginx", "hub", 8081),
        ("nginx", "lab", 8888),
        ("hub", "nginx", 8001),
        ("hub", "lab", 8888),
        ("lab", "hub", 8081),
        ("lab", "nginx", 8080),
        ("lab", "nginx", 8443),
        ("test", "nginx", 8443),
    }


@pytest.mark.parametrize("mode", BEHIND)
def test_labs_reach_no_front_door_that_believes_who_comes_by_its_controller(values: dict[str, Path], mode: str) -> None:
    # What they say in X-Forwarded-For would be believed, where their own network is one of nginx.trustedProxies.
    found = reachable(render(Question(values["minimal"], BEHIND[mode])))
    assert {way for way in found if way[1] == "nginx"} == {("hub", "nginx", 8001), ("test", "nginx", 8080)}
    assert ("lab", "hub", 8081) in found


@pytest.mark.parametrize("mode", BEHIND)
def test_the_controllers_pods_alone_reach_the_front_door_where_a_site_names_them(
    values: dict[str, Path], mode: str
) -> None:
    pods = [{"namespace": "traefik", "labels": {"app": "traefik"}}, {"namespace": "other"}]
    named = render(Question(values["minimal"], (*BEHIND[mode], f"nginx.controllers={json.dumps(pods)}")))
    (rule,) = [each for each in policy(named, "nginx")["ingress"] if each["ports"] == [{"port": "http"}]]

    assert rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test"
    assert rule["from"][1:] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}},
            "podSelector": {"matchLabels": {"app": "traefik"}},
        },
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}},
            "podSelector": {"matchLabels": {}},
        },
    ]
    assert ("test", "nginx", 8080) in reachable(named)


def test_firefly_is_reached_by_the_front_door_and_reaches_no_part(values: dict[str, Path]) -> None:
    with_firefly = reachable(render(Question(values["firefly"])), (*COMPONENTS, "firefly"))

    assert with_firefly - reachable(render(Question(values["minimal"]))) == {("nginx", "firefly", 8080)}


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "10.96.0.1", "192.168.1.1", "192.0.0.192", "198.18.0.2", "fe80::1"]
)
def test_firefly_reaches_the_internet_and_no_private_address(values: dict[str, Path], address: str) -> None:
    egress = policy(render(Question(values["firefly"])), "firefly")["egress"]

    assert reaches_address(egress, "140.82.121.4", 443)
    assert not reaches_address(egress, address, 80)


def test_what_is_private_for_a_lab_is_private_for_firefly(values: dict[str, Path]) -> None:
    rendered = render(Question(values["firefly"]))
    closed = [
        {
            each["ipBlock"]["cidr"]: each["ipBlock"]["except"]
            for rule in policy(rendered, name)["egress"]
            for each in rule.get("to", [])
            if "ipBlock" in each
        }
        for name in ("lab", "firefly")
    ]

    assert closed[0] == closed[1]


def test_the_prepuller_is_reached_by_nobody_and_reaches_no_part(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"], ("prepuller.metrics.scrapers=[]",)))

    assert policy(rendered, "prepuller")["ingress"] == []
    assert [each for each in reachable(rendered, (*COMPONENTS, "prepuller")) if "prepuller" in each] == []


def test_pods_that_pull_are_reached_by_nobody_and_reach_nobody(values: dict[str, Path]) -> None:
    rendered = render(Question(values["everything"]))
    found = policy(rendered, "prepull")

    assert (found["policyTypes"], found["ingress"], found["egress"]) == (["Ingress", "Egress"], [], [])
    selected = [each["spec"]["podSelector"].get("matchLabels") for each in rendered.of_kind("NetworkPolicy")]
    assert selected.count(found["podSelector"]["matchLabels"]) == 1


def test_nobody_reaches_the_namespace_of_pods_that_purge_and_none_there_reaches_anybody(
    values: dict[str, Path],
) -> None:
    found = policy(render(Question(values["everything"])), "purge")
    assert found == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []}


def test_prometheus_reaches_the_prepuller_where_a_site_says_so(values: dict[str, Path]) -> None:
    assert policy(render(Question(values["everything"])), "prepuller")["ingress"] == [
        {
            "ports": [{"port": "status"}],
            "from": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
                    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("port", "open_"), [(443, True), (6443, True), (5000, True), (5001, True), (3128, True), (80, False), (2049, False)]
)
def test_the_prepuller_reaches_the_ports_of_registries_and_of_the_proxy(
    values: dict[str, Path], port: int, open_: bool
) -> None:
    images = (
        'hub.lab.images.own={"reference": "10.1.2.3:5001/a/b@sha256:' + 64 * "0" + '"}',
        'hub.lab.images.plain={"reference": "docker.io/python:80"}',
    )
    egress = policy(render(Question(values["everything"], images)), "prepuller")["egress"]

    assert reaches_address(egress, "10.1.2.3", port) is open_
    assert reaches_address(egress, "2606:50c0:8000::153", port) is open_


@pytest.mark.parametrize(("component", "port"), [("hub", 3128), ("prepuller", 3128)])
@pytest.mark.parametrize("proxy", ["http://proxy.example.org:3128", ""])
def test_hub_and_prepuller_reach_the_port_of_the_proxy(
    values: dict[str, Path], component: str, port: int, proxy: str
) -> None:
    egress = policy(render(Question(values["everything"], (f'global.proxy.https="{proxy}"',))), component)["egress"]

    assert reaches_address(egress, "10.20.0.5", port) is bool(proxy)


@pytest.mark.parametrize(
    ("proxy", "port", "open_"),
    [
        ("http://10.20.0.5:3128", 3128, True),
        ("http://10.20.0.5:3128", 443, False),
        ("http://10.20.0.6:3128", 3128, False),
        ("http://proxy.example.org:3128", 3128, False),
        ("", 3128, False),
    ],
)
def test_labs_reach_the_proxy_in_a_private_network_and_nothing_beside_it(
    values: dict[str, Path], proxy: str, port: int, open_: bool
) -> None:
    closed = ("hub.lab.network.allow=[]", "hub.lab.network.egress=[]", f'global.proxy.https="{proxy}"')
    egress = policy(render(Question(values["everything"], closed)), "lab")["egress"]

    assert reaches_address(egress, "10.20.0.5", port) is open_


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "fe80::1"]
)
def test_the_prepuller_does_not_reach_the_nodes_credentials(values: dict[str, Path], address: str) -> None:
    egress = policy(render(Question(values["everything"])), "prepuller")["egress"]

    assert not any(reaches_address(egress, address, port) for port in (80, 443, 5000))


def file_server(values: Path, *changes: str) -> tuple[list[Object], list[Object]]:
    """What NetworkPolicy and Cilium's policy let through to the file server."""
    rendered = render(Question(values, changes))
    assert policy(rendered, "file-server")["policyTypes"] == ["Ingress", "Egress"]
    of_cilium = [rule for each in rendered.of_kind("CiliumNetworkPolicy") for rule in each["spec"]["ingress"]]
    return policy(rendered, "file-server")["ingress"], of_cilium


def test_only_machines_that_may_mount_reach_the_file_server(values: dict[str, Path]) -> None:
    by_address = [{"ports": [{"port": "nfs"}], "from": [{"ipBlock": {"cidr": "10.128.0.0/20"}}]}]

    assert file_server(values["nfs"]) == (by_address, [])


@pytest.mark.parametrize("change", ["storage.nfs.clients=[]", 'storage.nfs.networkPolicy="open"'])
def test_everybody_reaches_a_file_server_that_names_nobody_whatever_a_network_calls_an_address(
    values: dict[str, Path], change: str
) -> None:
    # Without `from`: to Cilium, 0.0.0.0/0 holds no node and no pod.
    assert file_server(values["nfs"], change) == ([{"ports": [{"port": "nfs"}]}], [])


def test_a_server_behind_an_open_policy_looks_at_its_clients_itself(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"], ('storage.nfs.networkPolicy="open"',)))

    assert '"10.128.0.0/20"' in rendered.one("ConfigMap", "jld-file-server")["data"]["nfs.yaml"]


@pytest.mark.parametrize("changes", [(), ("storage.nfs.clients=[]",)], ids=["clients", "no clients"])
def test_cilium_lets_nodes_in_and_nobody_else(values: dict[str, Path], changes: tuple[str, ...]) -> None:
    nodes = [
        {
            "fromEntities": ["host", "remote-node"],
            "toPorts": [{"ports": [{"port": "2049", "protocol": "TCP"}]}],
        }
    ]
    by_cilium = ('storage.nfs.networkPolicy="cilium"', *changes)
    (found,) = render(Question(values["nfs"], by_cilium)).of_kind("CiliumNetworkPolicy")

    assert file_server(values["nfs"], *by_cilium) == ([], nodes)
    assert found["apiVersion"] == "cilium.io/v2"
    assert found["spec"]["endpointSelector"]["matchLabels"]["app.kubernetes.io/component"] == "file-server"


@pytest.mark.parametrize("site", ["local", "external", "github"])
def test_ciliums_kind_is_asked_for_by_value_alone(values: dict[str, Path], site: str) -> None:
    assert render(Question(values[site], ('storage.nfs.networkPolicy="cilium"',))).of_kind("CiliumNetworkPolicy") == []


def test_what_only_holds_files_speaks_to_nobody(values: dict[str, Path]) -> None:
    rendered = render(Question(values["nfs"]))

    assert [policy(rendered, each)["egress"] for each in ("file-server", "keepalive", "backup")] == [[], [], []]
    assert [policy(rendered, each)["ingress"] for each in ("keepalive", "backup")] == [[], []]


def test_a_lab_does_not_reach_the_file_server(values: dict[str, Path]) -> None:
    # Whoever reaches it may claim to be anybody: nodes mount, labs do not.
    egress = policy(render(Question(values["nfs"])), "lab")["egress"]

    assert not opens(egress, "to", "file-server", 2049, {})
    assert not reaches_address(egress, "10.96.12.34", 2049)


def reaches_address(rules: list[Object], address: str, port: int) -> bool:
    blocks = [
        peer["ipBlock"]
        for rule in rules
        if not rule.get("ports") or port in [each["port"] for each in rule["ports"]]
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    ]
    where = ip_address(address)
    return any(
        where in ip_network(block["cidr"]) and not any(where in ip_network(hole) for hole in block.get("except", []))
        for block in blocks
    )


@pytest.mark.parametrize("address", ["140.82.121.4", "2606:50c0:8000::153"])
def test_a_lab_reaches_the_internet(values: dict[str, Path], address: str) -> None:
    assert reaches_address(policy(render(Question(values["minimal"])), "lab")["egress"], address, 443)


@pytest.mark.parametrize("port", [80, 443, 8080, 6443, 10250])
@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "fe80::1", "fd12::1"),
        *("10.96.0.1", "172.20.0.5", "192.168.1.1", "100.64.0.9", "198.18.0.1"),
    ],
)
def test_a_lab_reaches_no_private_address(values: dict[str, Path], address: str, port: int) -> None:
    assert not reaches_address(policy(render(Question(values["minimal"])), "lab")["egress"], address, port)


def test_a_private_network_opens_by_value_and_the_others_stay_closed(values: dict[str, Path]) -> None:
    opened = render(Question(values["minimal"], ('hub.lab.network.allow=["10.20.0.0/16", "fd12:1::/32"]',)))
    reached = {
        address: reaches_address(policy(opened, "lab")["egress"], address, 5432)
        for address in ("10.20.1.2", "fd12:1::9", "10.21.0.1", "fd12:2::9", "169.254.169.254", "10.96.0.1")
    }

    assert [address for address, open_ in reached.items() if open_] == ["10.20.1.2", "fd12:1::9"]


@pytest.mark.parametrize("port", [443, 6443, 8443, 16443])
def test_the_hub_reaches_the_kubernetes_api(values: dict[str, Path], port: int) -> None:
    assert reaches_address(policy(render(Question(values["minimal"])), "hub")["egress"], "10.96.0.1", port)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254"])
def test_the_hub_does_not_reach_the_nodes_credentials(values: dict[str, Path], address: str) -> None:
    assert not reaches_address(policy(render(Question(values["minimal"])), "hub")["egress"], address, 80)


def test_a_database_of_ones_own_is_reached(values: dict[str, Path]) -> None:
    inside = render(Question(values["minimal"]))
    outside = render(Question(values["minimal"], ("hub.db.external=true", 'hub.secret.dbUrl="c3FsaXRlOi8v"')))

    elsewhere = render(
        Question(values["minimal"], ("hub.db.external=true", "hub.db.ports=[6432]", 'hub.secret.dbUrl="c3FsaXRlOi8v"'))
    )

    assert {"ports": [{"port": 5432}, {"port": 3306}]} in policy(outside, "hub")["egress"]
    assert "5432" not in str(policy(inside, "hub"))
    assert {"ports": [{"port": 6432}]} in policy(elsewhere, "hub")["egress"]
    assert "5432" not in str(policy(elsewhere, "hub"))


def test_the_database_of_a_site_is_reached_at_the_port_of_its_secret_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(
        "global: {hostname: jld.localhost}\nhub: {auth: {dummy: {users: [alice]}}, db: {external: true}}\n"
        "nginx: {tls: {selfSigned: true}}\n"
    )
    monkeypatch.setenv("JLD_DB_URL", "postgresql://jld:made-up@db.example.org:6432/jld")
    words = ["values", str(site), "-o", str(tmp_path / "values.yaml")]
    assert CliRunner().invoke(app, words).exit_code == 0

    assert {"ports": [{"port": 6432}]} in egress_of_the_hub(tmp_path / "values.yaml")


PRIVATE = "10.30.0.5"


def option(name: str, value: object) -> str:
    return f"hub.auth.other.options.{name}={json.dumps(value)}"


def egress_of_the_hub(values: Path, changes: tuple[str, ...] = ()) -> list[Object]:
    return list(policy(render(Question(values, changes)), "hub")["egress"])


# A site, what it says further, and a port that no chart knows.
ASKED: list[tuple[str, str, int]] = [
    ("minimal", 'hub.auth.github.url="https://github.example.org:8444"', 8444),
    ("minimal", 'hub.auth.github.apiUrl="https://api.example.org:9444/api/v3"', 9444),
    ("cilogon", 'hub.auth.cilogon.url="https://test.cilogon.org:10444"', 10444),
    ("oidc", option("token_url", "https://login.example.org:8444/token"), 8444),
    ("oidc", option("userdata_url", "https://ada:443@[fd12::1]:8445/me?at=https://x.example.org"), 8445),
    ("oidc", option("gitlab_url", "http://git.example.org:8080"), 8080),
    ("oidc", option("deeper", [{"url": "https://login.example.org:8446"}]), 8446),
    ("minimal", 'hub.environment.OAUTH2_TOKEN_URL="https://login.example.org:8447/token"', 8447),
    ("minimal", 'hub.traits.JupyterHub.any_url="https://login.example.org:8448"', 8448),
    ("minimal", 'global.proxy.https="http://proxy.example.org:3128"', 3128),
]


@pytest.mark.parametrize(("site_name", "change", "port"), ASKED)
def test_the_hub_reaches_the_port_of_each_address_that_a_site_names(
    values: dict[str, Path], site_name: str, change: str, port: int
) -> None:
    egress = egress_of_the_hub(values[site_name], (change,))

    assert reaches_address(egress, PRIVATE, port)
    assert not reaches_address(egress, "169.254.169.254", port)
    assert not reaches_address(egress_of_the_hub(values[site_name]), PRIVATE, port)


NO_PORT = [
    *("https://[fd12::9999]/", "https://ada:9999@login.example.org/", "https://a.example.org/b:9999/", "9:9999"),
    *("urn:9999", "https://login.example.org", "http://login.example.org/a?b=c:9999"),
]


@pytest.mark.parametrize("text", NO_PORT)
def test_what_is_no_port_of_an_address_opens_nothing(values: dict[str, Path], text: str) -> None:
    assert egress_of_the_hub(values["oidc"], (option("text", text),)) == egress_of_the_hub(values["oidc"])


def test_an_identity_provider_that_is_only_a_name_opens_no_port(values: dict[str, Path]) -> None:
    named = 'hub.auth.cilogon.identityProviders={"https://idp.example.org:9999/idp": {}}'

    assert egress_of_the_hub(values["cilogon"], (named,)) == egress_of_the_hub(values["cilogon"])


def test_the_load_balancer_lets_in_the_networks_that_a_site_names(values: dict[str, Path]) -> None:
    def ranges(site: str) -> list[str] | None:
        spec = render(Question(values[site])).one("Service", "jld-nginx")["spec"]
        return spec.get("loadBalancerSourceRanges")  # type: ignore[no-any-return]

    assert ranges("github") == ["192.0.2.0/24", "2001:db8::/32"]
    assert ranges("minimal") is None


def test_prometheus_reaches_the_hub_where_a_site_says_so_and_else_nobody_does(values: dict[str, Path]) -> None:
    scrapers = (
        'hub.metrics.scrapers=[{"namespace": "monitoring", "labels": {"app": "prometheus"}}, {"namespace": "other"}]'
    )
    token = 'hub.secret.metricsToken="N2U3ZTdlN2U3ZTdl"'
    open_to = policy(render(Question(values["minimal"], (scrapers, token))), "hub")["ingress"]

    assert open_to[1:] == [
        {
            "ports": [{"port": "api"}],
            "from": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
                    "podSelector": {"matchLabels": {"app": "prometheus"}},
                },
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}},
                    "podSelector": {"matchLabels": {}},
                },
            ],
        }
    ]
    assert len(policy(render(Question(values["minimal"])), "hub")["ingress"]) == 1


SERVICES = """hub.services={
  "one": {"pods": [{"namespace": "tools", "labels": {"app": "one"}}], "scopes": ["list:users"]},
  "two": {"pods": [{"namespace": "8"}], "url": "http://two.more"}, "three": {}
}"""


def test_pods_of_services_reach_the_hub_and_the_front_door_those_with_pages(values: dict[str, Path]) -> None:
    rendered = render(Question(values["minimal"], (SERVICES,)))
    tools = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tools"}},
        "podSelector": {"matchLabels": {"app": "one"}},
    }
    other = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "8"}},
        "podSelector": {"matchLabels": {}},
    }
    assert policy(rendered, "hub")["ingress"][1:] == [
        {"ports": [{"port": "api"}], "from": [tools]},
        {"ports": [{"port": "api"}], "from": [other]},
    ]
    pages = policy(rendered, "services")
    assert pages["podSelector"] == policy(rendered, "nginx")["podSelector"]
    assert (pages["policyTypes"], pages["egress"]) == (["Egress"], [{"to": [other]}])
    names = [each["metadata"]["name"] for each in render(Question(values["minimal"])).of_kind("NetworkPolicy")]
    assert "jld-services" not in names


def test_the_hub_is_told_of_services_without_their_pods(values: dict[str, Path]) -> None:
    """So that another pod that may reach it restarts nothing."""
    hub = render(Question(values["minimal"], (SERVICES,))).settings()["hub"]
    assert hub["services"] == {"one": {"scopes": ["list:users"]}, "two": {"url": "http://two.more"}, "three": {}}
