"""NetworkPolicies as a site changes them: off, with further rules, narrower for names, and for Cilium."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendering import CHART, SITES, Object, Question, Render, render
from test_front_door_modes import BEHIND
from test_network import policy, reaches_address

# Whose further rules a policy takes.
FURTHER = {
    "hub": "hub.network",
    "lab": "hub.lab.network",
    "nginx": "nginx.network",
    "firefly": "firefly.network",
    "prepuller": "prepuller.network",
    **dict.fromkeys(("file-server", "keepalive", "backup", "storage-hooks"), "storage.network"),
    **dict.fromkeys(("filebeat", "relay", "logstash"), "logging.network"),
}
# Those of pods that speak to nobody, or to nginx alone: there is nothing to add.
AS_THEY_ARE = {"closed", "services", "proof", "purge", "prepull", "test"}
PEOPLE = ("global.userNamespaces=true", 'hub.lab.quota={"labs": 0, "cpu": 0, "memory": "0"}')
RULES = [{"from": [{"podSelector": {"matchLabels": {"app": "x"}}}], "ports": [{"port": 9}]}, {"ports": [{"port": 10}]}]
OFF = "global.network.enabled=false"
CILIUM = "global.network.cilium=true"


def components(rendered: Render, kind: str = "NetworkPolicy") -> set[str]:
    return {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in rendered.of_kind(kind)}


def questions(values: dict[str, Path]) -> Iterator[Question]:
    """Every example, every way to the front door, and labs in namespaces of their own."""
    yield from (Question(values[site]) for site in SITES)
    yield from (Question(values["minimal"], behind) for behind in BEHIND.values())
    yield Question(values["nfs"], ('storage.nfs.networkPolicy="open"',))
    yield Question(values["logging"], ("logging.podLabels=true",))
    yield Question(values["local"], PEOPLE)


def test_each_policy_of_the_chart_is_in_the_table(values: dict[str, Path]) -> None:
    """A new policy is a new row, so that what holds for all holds for it."""
    found = {component for question in questions(values) for component in components(render(question))}

    assert found == FURTHER.keys() | AS_THEY_ARE


@pytest.mark.parametrize("component", FURTHER)
def test_each_policy_takes_further_rules_and_keeps_its_own(values: dict[str, Path], component: str) -> None:
    site, key = values["logstash" if component == "logstash" else "everything"], FURTHER[component]
    none = tuple(f"{key}.{side}=[]" for side in ("ingress", "egress"))
    before = policy(render(Question(site, none)), component)
    outward = json.loads(json.dumps(RULES).replace("from", "to"))
    changes = (f"{key}.ingress={json.dumps(RULES)}", f"{key}.egress={json.dumps(outward)}")
    after = policy(render(Question(site, changes)), component)

    assert after["ingress"] == (before["ingress"] or []) + RULES
    assert after["egress"] == (before["egress"] or []) + outward
    assert after["policyTypes"] == ["Ingress", "Egress"]


def test_a_part_opens_no_policy_of_another(values: dict[str, Path]) -> None:
    site = values["everything"]

    def all_policies(*changes: str) -> dict[str, Object]:
        return {
            each["metadata"]["name"]: each["spec"] for each in render(Question(site, changes)).of_kind("NetworkPolicy")
        }

    before = all_policies()
    for key in set(FURTHER.values()):
        after = all_policies(f"{key}.ingress={json.dumps(RULES)}")
        changed = {name.removeprefix("jld-") for name in before if before[name] != after[name]}
        assert changed == {each for each, of in FURTHER.items() if of == key} & {
            *(n.removeprefix("jld-") for n in before)
        }


def selects_nobody(selector: Object) -> bool:
    """As Kubernetes reads it: every pod of the chart has a component."""
    never = {"key": "app.kubernetes.io/component", "operator": "DoesNotExist"}
    return never in selector.get("matchExpressions", [])


def test_switched_off_no_policy_selects_a_pod_but_the_hooks_which_it_leaves_open(values: dict[str, Path]) -> None:
    sites = [Question(values[site], (OFF,)) for site in ("minimal", "everything", "logstash")]
    for question in (*sites, Question(values["local"], (*PEOPLE, OFF))):
        rendered = render(question)
        nobody = [each for each in rendered.of_kind("NetworkPolicy") if selects_nobody(each["spec"]["podSelector"])]
        others = [each["spec"] for each in rendered.of_kind("NetworkPolicy") if each not in nobody]
        copied = {"jld-lab"} if "userNamespaces" in rendered.settings()["names"] else set()

        assert {each["metadata"]["name"] for each in nobody} == {"jld-closed"} | copied
        # While the hook of an upgrade that switches policies off runs, the one that closes what has no policy still does.
        assert [
            (each["egress"], each["podSelector"]["matchLabels"]["app.kubernetes.io/component"]) for each in others
        ] in (
            [],
            [([{}], "storage-hooks")],
        )
        assert rendered.of_kind("CiliumNetworkPolicy") == []
        assert all("app.kubernetes.io/component" in pod.labels for pod in rendered.pods)


def test_the_hub_finds_the_policy_that_it_copies_whether_policies_are_on_or_off(values: dict[str, Path]) -> None:
    for off in ((), (OFF,)):
        rendered = render(Question(values["local"], (*PEOPLE, *off)))
        name = rendered.settings()["names"]["userNamespaces"]["networkPolicy"]
        assert name in [each["metadata"]["name"] for each in rendered.of_kind("NetworkPolicy")]


ASKS = [component for component in [*FURTHER, "test"] if component not in ("file-server", "keepalive", "backup")]


@pytest.mark.parametrize("component", ASKS)
def test_names_are_asked_of_whom_a_site_names_at_its_ports(values: dict[str, Path], component: str) -> None:
    site = values["logstash" if component == "logstash" else "everything"]
    anybody = ("global.network.dns.pods=[]", "global.network.dns.networks=[]", "global.network.dns.ports=[53,5353]")
    pods = [{"namespace": "openshift-dns", "labels": {"dns.operator.openshift.io/daemonset-dns": "default"}}]
    narrow = (f"global.network.dns.pods={json.dumps(pods)}", 'global.network.dns.networks=["169.254.20.10/32"]')

    def rule(*changes: str) -> Object:
        (found,) = [
            each
            for each in policy(render(Question(site, changes)), component)["egress"]
            if {"port": 53, "protocol": "UDP"} in each.get("ports", [])
        ]
        return dict(found)

    ports = [{"port": port, "protocol": protocol} for port in (53, 5353) for protocol in ("UDP", "TCP")]
    assert rule(*anybody) == {"ports": ports}
    assert rule(*narrow, "global.network.dns.ports=[53]") == {
        "ports": ports[:2],
        "to": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}},
                "podSelector": {"matchLabels": pods[0]["labels"]},
            },
            {"ipBlock": {"cidr": "169.254.20.10/32"}},
        ],
    }


@pytest.mark.parametrize(
    ("deny", "allow", "closed", "open_"),
    [
        (["198.51.100.0/24"], [], ["198.51.100.7", "10.0.0.1"], ["198.51.101.7", "140.82.121.4", "2001:db8::1"]),
        (["2001:db8::/32"], [], ["2001:db8::1", "fd12::1"], ["2606:50c0:8000::153", "140.82.121.4"]),
        (["0.0.0.0/0"], [], ["140.82.121.4", "10.0.0.1", "169.254.169.254"], ["2606:50c0:8000::153"]),
        (["0.0.0.0/0", "::/0"], [], ["140.82.121.4", "2606:50c0:8000::153", "fd12::1", "169.254.169.254"], []),
        (["0.0.0.0/0", "::/0"], ["10.20.0.0/16"], ["140.82.121.4", "10.21.0.1", "2001:db8::1"], ["10.20.0.1"]),
    ],
)
def test_labs_reach_nothing_that_is_denied_and_all_else_of_the_internet(
    values: dict[str, Path], deny: list[str], allow: list[str], closed: list[str], open_: list[str]
) -> None:
    changes = (f"hub.lab.network.deny={json.dumps(deny)}", f"hub.lab.network.allow={json.dumps(allow)}")
    egress = policy(render(Question(values["minimal"], changes)), "lab")["egress"]

    reached = {address: reaches_address(egress, address, 443) for address in (*closed, *open_)}
    assert reached == dict.fromkeys(closed, False) | dict.fromkeys(open_, True)
    # A rule without `to` would be for everybody: the only ones are for names.
    assert [rule["ports"][0]["port"] for rule in egress if not rule.get("to")] == [53]


def test_no_rule_of_the_chart_itself_names_everybody_by_an_empty_list(values: dict[str, Path]) -> None:
    closed = ('hub.lab.network.deny=["0.0.0.0/0", "::/0"]', "hub.lab.network.allow=[]")
    for question in (*questions(values), *(Question(values[site], closed) for site in ("minimal", "everything"))):
        for each in render(question).of_kind("NetworkPolicy"):
            rules = [*(each["spec"].get("ingress") or []), *(each["spec"].get("egress") or [])]
            assert [
                rule for rule in rules if rule.get("from", 1) in ([], None) or rule.get("to", 1) in ([], None)
            ] == []


def cilium(site: Path, *changes: str) -> dict[str, Object]:
    found = render(Question(site, (CILIUM, *changes))).of_kind("CiliumNetworkPolicy")
    return {each["metadata"]["name"].removeprefix("jld-"): each for each in found}


def test_under_cilium_who_asks_the_kubernetes_api_reaches_it_by_its_entity(values: dict[str, Path]) -> None:
    """Whose pods have a token, by the chart's own manifests, is who asks."""
    for site, changes in (("nfs", ()), ("minimal", ()), ("logging", ("logging.podLabels=true",)), ("logstash", ())):
        rendered = render(Question(values[site], (CILIUM, *changes)))
        asking = {
            pod.component
            for pod in rendered.pods
            if pod.spec.get("automountServiceAccountToken", True) or "serviceAccountToken" in str(pod.spec)
        }
        rules = [
            (each["spec"]["endpointSelector"], rule)
            for each in rendered.of_kind("CiliumNetworkPolicy")
            for rule in each["spec"].get("egress", [])
        ]
        opened = {
            component
            for component in {pod.component for pod in rendered.pods} | {"lab"}
            for selector, _ in rules
            if selects(selector, component)
        }

        assert opened == asking
        ports = [{"port": str(port), "protocol": "TCP"} for port in (443, 6443, 8443, 16443)]
        assert {str(rule) for _, rule in rules} == {
            str({"toEntities": ["kube-apiserver"], "toPorts": [{"ports": ports}]})
        }


def selects(selector: Object, component: str) -> bool:
    labels = {
        "app.kubernetes.io/name": "jld",
        "app.kubernetes.io/instance": "jld",
        "app.kubernetes.io/component": component,
    }
    within = {"In": lambda value, values: value in values, "NotIn": lambda value, values: value not in values}
    return selector["matchLabels"].items() <= labels.items() and all(
        within[each["operator"]](labels[each["key"]], each["values"]) for each in selector.get("matchExpressions", [])
    )


def test_under_cilium_nodes_reach_nginx_and_the_own_node_every_pod_that_is_probed(values: dict[str, Path]) -> None:
    found = cilium(values["everything"])
    rendered = render(Question(values["everything"], (CILIUM,)))
    probed = {
        pod.component for pod in rendered.pods if any("readinessProbe" in container for container in pod.containers)
    }

    assert found["nginx"]["spec"]["ingress"] == [
        {
            "fromEntities": ["host", "remote-node"],
            "toPorts": [{"ports": [{"port": port, "protocol": "TCP"} for port in ("8080", "8443")]}],
        }
    ]
    assert found["probes"]["spec"]["ingress"] == [{"fromEntities": ["host"]}]
    assert [each for each in probed if not selects(found["probes"]["spec"]["endpointSelector"], each)] == []
    assert not selects(found["probes"]["spec"]["endpointSelector"], "lab")
    assert cilium(values["minimal"], *BEHIND["ingress"])["nginx"]["spec"]["ingress"][0]["toPorts"][0]["ports"] == [
        {"port": "8080", "protocol": "TCP"}
    ]


def test_the_hooks_have_ciliums_policy_as_long_as_they_run(values: dict[str, Path]) -> None:
    for_hooks = cilium(values["nfs"])["storage-hooks"]["metadata"]["annotations"]

    assert (
        for_hooks
        == render(Question(values["nfs"])).one("NetworkPolicy", "jld-storage-hooks")["metadata"]["annotations"]
    )


def test_ciliums_kind_is_made_by_value_alone(values: dict[str, Path]) -> None:
    for site in SITES:
        if site != "everything":
            assert render(Question(values[site])).of_kind("CiliumNetworkPolicy") == []


@pytest.mark.parametrize("component", ["hub", "prepuller", "filebeat", "storage-hooks"])
def test_the_kubernetes_api_is_reached_at_the_ports_that_a_site_names(values: dict[str, Path], component: str) -> None:
    egress = policy(render(Question(values["everything"], ("global.network.apiServerPorts=[7443]",))), component)[
        "egress"
    ]

    assert reaches_address(egress, "10.96.0.1", 7443)
    assert not reaches_address(egress, "10.96.0.1", 16443)


@pytest.mark.parametrize("component", ["hub", "prepuller", "filebeat", "relay", "storage-hooks"])
@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "fe80::1"]
)
def test_no_pod_of_the_chart_reaches_the_nodes_credentials(
    values: dict[str, Path], component: str, address: str
) -> None:
    egress = policy(render(Question(values["everything"], ("global.network.dns.networks=[]",))), component)["egress"]

    assert not any(reaches_address(egress, address, port) for port in (80, 443, 5671, 6443))


ONCE = {
    "the rule for names": r"\.Values\.global\.network\.dns\b",
    "the private networks": r"172\.16\.0\.0/12",
    "where clouds hand out credentials": r"100\.100\.100\.200",
    "the site's address": r"\.Values\.global\.port\b.*printf|printf.*\.Values\.global\.port\b|:{{ \.Values\.global\.port",
    "nginx's mode": r"(eq|ne|dict|get) [^}]*\.Values\.(nginx\.)?mode\b",
}


@pytest.mark.parametrize("what", ONCE)
def test_what_several_templates_need_is_decided_in_one(what: str) -> None:
    folders = [CHART / "templates", CHART / "charts"]
    texts = {
        str(file.relative_to(CHART)): file.read_text()
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
        and {"templates", "files", "manifests"} & set(file.parts)
        and file.suffix not in (".py", ".lua")
    }
    of_storage = "charts/storage/"  # which has a mode of its own
    found = {
        name
        for name, text in texts.items()
        if re.search(ONCE[what], text) and not (what == "nginx's mode" and name.startswith(of_storage))
    }

    assert len(found) == 1, found
