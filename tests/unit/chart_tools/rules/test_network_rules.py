"""Further rules of NetworkPolicies: what is refused, and what is warned of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jld.rules.networks import CREDENTIALS, OF_PEOPLE, OF_THE_CHART, PRIVATE
from jld.schema.chart import Chart
from jld.support.errors import SiteError
from jld.values.assembly import Sources, assemble

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
NODES = "10.128.0.0/20"
PARTS = [".".join(map(str, part)) for part in (*OF_PEOPLE, *OF_THE_CHART)]
PEOPLE = [".".join(map(str, part)) for part in OF_PEOPLE]
Judge = Callable[..., tuple[dict[str, str], dict[str, str]]]


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """What the tool refuses and warns of, each by its key, of a value at one key or more."""

    def judge(**keys: object) -> tuple[dict[str, str], dict[str, str]]:
        site: dict[str, object] = yaml.safe_load(
            "global: {hostname: jld.localhost}\nhub: {auth: {dummy: {users: [ada]}}}\n"
            f"nginx: {{tls: {{selfSigned: true}}}}\nstorage: {{mode: nfs, nfs: {{clients: [{NODES}]}}}}\n"
        )
        for key, value in keys.items():
            *above, last = key.split(".")
            place: dict[str, object] = site
            for part in above:
                place = place.setdefault(part, {})  # type: ignore[assignment]
            place[last] = value
        file = tmp_path / "site.yaml"
        file.write_text(yaml.safe_dump(site))
        try:
            found = assemble(Sources([file], environment={}), CHART, datetime.now(UTC))
        except SiteError as error:
            return {each.key: each.sentence for each in error.problems}, {}
        return {}, {each.key: each.sentence for each in found.warnings}

    return judge


def block(cidr: str, *excepted: str) -> dict[str, object]:
    return {"to": [{"ipBlock": {"cidr": cidr, "except": list(excepted)} if excepted else {"cidr": cidr}}]}


GOOD: list[dict[str, object]] = [
    {"to": [{"podSelector": {"matchLabels": {"app": "database"}}}], "ports": [{"port": 5432}]},
    {"to": [{"namespaceSelector": {"matchLabels": {"team": "data"}}}], "ports": [{"port": "amqps", "protocol": "TCP"}]},
    {"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}}]},
    {"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]},
    block("10.20.0.0/16", "10.20.30.0/24") | {"ports": [{"port": 6000, "endPort": 6010, "protocol": "UDP"}]},
    block("fd12:1::/32"),
    block("0.0.0.0/0", "169.254.0.0/16", "100.64.0.0/10", "192.0.0.0/24"),
    block("0.0.0.0/0", "169.254.0.0/17", "169.254.128.0/17", "100.100.100.200/32", "192.0.0.192/32"),
    block("::/0", "fc00::/7", "fe80::/10"),
]


@pytest.mark.parametrize("part", PARTS)
def test_a_rule_as_kubernetes_knows_it_is_taken_by_every_part(judged: Judge, part: str) -> None:
    ingress = [{"from": rule["to"], **({"ports": rule["ports"]} if "ports" in rule else {})} for rule in GOOD[:6]]
    of_nfs = part == "storage.network"  # who reaches the file server is warned of

    refused, warned = judged(**{f"{part}.egress": GOOD, f"{part}.ingress": ingress})
    assert refused == {}
    of_rules = {
        key for key, sentence in warned.items() if "has no effect with" not in sentence
    }  # of a part that is off
    assert {key for key in of_rules if "egress" in key or not of_nfs} == set()


# Each rule, the key below it that is named, and how the sentence begins.
WRONG: list[tuple[object, str, str]] = [
    ([{"to": []}], "[0].to", "empty, which Kubernetes takes for everybody"),
    ([{"to": [{}]}], "[0].to[0]", "names nobody, which Kubernetes refuses"),
    ([{"to": [{"ipBlock": {}}]}], "[0].to[0].ipBlock.cidr", "missing; write a network with its length"),
    ([{"to": [{"ipBlock": {"cidr": "10.0.0.1"}}]}], "[0].to[0].ipBlock.cidr", 'found "10.0.0.1"; write a network'),
    ([{"to": [{"ipBlock": {"cidr": "10.1.0.1/16"}}]}], "[0].to[0].ipBlock.cidr", "10.1.0.1/16 is an address inside of"),
    (
        [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}, "podSelector": {}}]}],
        "[0].to[0].podSelector",
        "stands beside an ipBlock, which Kubernetes refuses",
    ),
    ([{"from": []}], "[0].from", "there is no such key"),
    ([{"to": [{"pods": {}}]}], "[0].to[0].pods", "there is no such key; did you mean"),
    ([{"to": [{"podSelector": {"app": "x"}}]}], "[0].to[0].podSelector.app", "there is no such key"),
    (
        [{"to": [{"podSelector": {"matchLabels": {"a": 1}}}]}],
        "[0].to[0].podSelector.matchLabels.a",
        "found the number 1; YAML does not read this as text",
    ),
    (
        [{"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}]}],
        "[0].to[0].podSelector.matchExpressions[0].values",
        "missing",
    ),
    (
        [{"to": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}]}],
        "[0].to[0].podSelector.matchExpressions[0].values",
        "found",
    ),
    ([block("10.0.0.0/8", "11.0.0.0/8")], "[0].to[0].ipBlock.except[0]", "11.0.0.0/8 is no part of 10.0.0.0/8"),
    ([block("10.0.0.0/8", "10.0.0.0/8")], "[0].to[0].ipBlock.except[0]", "10.0.0.0/8 is no part of 10.0.0.0/8"),
    ([block("fd12::/16", "10.0.0.0/8")], "[0].to[0].ipBlock.except[0]", "10.0.0.0/8 is no part of fd12::/16"),
    ([GOOD[0] | {"ports": []}], "[0].ports", "empty, which Kubernetes takes for all ports"),
    ([GOOD[0] | {"ports": [{"port": 0}]}], "[0].ports[0].port", "found the number 0; write a port number"),
    ([GOOD[0] | {"ports": [{"port": "80"}]}], "[0].ports[0].port", 'found "80"; write a port number'),
    ([GOOD[0] | {"ports": [{"port": "-x"}]}], "[0].ports[0].port", 'found "-x"; write a port number'),
    ([GOOD[0] | {"ports": [80]}], "[0].ports[0]", "found the number 80; write keys below it"),
    (
        [GOOD[0] | {"ports": [{"port": "x", "endPort": 80}]}],
        "[0].ports[0].port",
        'found "x"; write a port number, with',
    ),
    ([GOOD[0] | {"ports": [{"endPort": 80}]}], "[0].ports[0].port", "missing"),
    (
        [GOOD[0] | {"ports": [{"port": 90, "endPort": 80}]}],
        "[0].ports[0]",
        "its endPort 80 is below its port 90",
    ),
    ([GOOD[0] | {"ports": [{"port": 90, "protocol": "tcp"}]}], "[0].ports[0].protocol", 'found "tcp"; write TCP'),
    ("0.0.0.0/0", "", 'found "0.0.0.0/0"; write a list of at most 100 rules'),
    ({"to": []}, "", "found keys and values; write a list of at most 100 rules"),
    ([None], "[0]", "empty; write keys below it: to, ports"),
    (["10.0.0.0/8"], "[0]", 'found "10.0.0.0/8"; write keys below it: to, ports'),
    ([GOOD[0]] * 101, "", "found a list; write a list of at most 100 rules"),
    ([{"to": GOOD[0]["to"] * 501}], "[0].to", "found a list; write a list of 1 to 500 peers"),  # type: ignore[operator]
    (
        [block("10.0.0.0/8", *(f"10.{a}.{b}.0/24" for a in range(3) for b in range(200)))],
        "[0].to[0].ipBlock.except",
        "found a list; write at most 500 networks",
    ),
]


@pytest.mark.parametrize(("rules", "below", "sentence"), WRONG)
def test_what_kubernetes_would_refuse_or_misread_is_refused_with_its_place(
    judged: Judge, rules: object, below: str, sentence: str
) -> None:
    refused, _ = judged(**{"hub.network.egress": rules})

    assert list(refused) == [f"hub.network.egress{below}"]
    assert refused[f"hub.network.egress{below}"].startswith(sentence)


OPENING: list[dict[str, object]] = [
    {},
    {"ports": [{"port": 80}]},
    *(block(cidr) for cidr in CREDENTIALS),
    *(block(cidr) for cidr in ("0.0.0.0/0", "::/0", "128.0.0.0/1", "169.254.169.254/32", "fc00::/7", "fe80::/64")),
    *(block(cidr) for cidr in ("100.64.0.0/10", "192.0.0.0/24", "fd20:ce::/32", "::ffff:a9fe:a9fe/128")),
    block("::ffff:a9fe:0/112"),
    block("0.0.0.0/0", "169.254.0.0/16"),
    block("0.0.0.0/0", "169.254.0.0/17", "100.100.100.200/32", "192.0.0.192/32"),
    block("169.254.0.0/16", "169.254.169.253/32"),
    block("::/0", "fe80::/10", "fd00:ec2::/32"),
    {"to": [{"podSelector": {"matchLabels": {"a": "b"}}}, {"ipBlock": {"cidr": "169.254.169.254/32"}}]},
]


@pytest.mark.parametrize("rule", OPENING)
@pytest.mark.parametrize("part", PEOPLE)
def test_no_rule_brings_people_to_where_clouds_hand_out_credentials(
    judged: Judge, part: str, rule: dict[str, object]
) -> None:
    refused, _ = judged(**{f"{part}.egress": [GOOD[0], rule]})

    (key,) = refused
    assert key.startswith(f"{part}.egress[1]")
    assert "where clouds hand out a node's credentials" in refused[key]


@pytest.mark.parametrize("rule", OPENING)
def test_of_the_charts_own_pods_it_is_a_warning(judged: Judge, rule: dict[str, object]) -> None:
    # A site with a cloud's identities for workloads may want it for the hub.
    refused, warned = judged(**{"hub.network.egress": [rule]})

    assert refused == {}
    assert ["where clouds hand out a node's credentials" in each for each in warned.values()] == [True]


NETWORK = st.one_of(
    st.builds(lambda a, n: str(ip_network((a, n), strict=False)), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(lambda a, n: str(ip_network((a, n), strict=False)), st.integers(2**32, 2**128 - 1), st.integers(0, 128)),
    st.sampled_from([*CREDENTIALS, "0.0.0.0/0", "::/0", "168.0.0.0/5", "fc00::/7"]),
)
ADDRESSES = [
    *("169.254.169.254", "169.254.170.2", "169.254.0.0", "169.254.255.255", "100.100.100.200", "192.0.0.192"),
    *("fe80::1", "fd00:ec2::254", "fd20:ce::254"),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=NETWORK, holes=st.lists(NETWORK, max_size=3))
def test_whatever_network_is_taken_holds_no_such_address(judged: Judge, whole: str, holes: list[str]) -> None:
    outer = ip_network(whole)
    inside = [each for each in holes if ip_network(each).version == outer.version and each != whole]
    inside = [each for each in dict.fromkeys(inside) if ip_network(each).subnet_of(outer)]  # type: ignore[arg-type]
    refused, _ = judged(**{"hub.lab.network.egress": [block(whole, *inside)]})
    reached = [
        address
        for address in map(ip_address, ADDRESSES)
        if address in outer and not any(address in ip_network(hole) for hole in inside)
    ]

    assert refused or not reached


@pytest.mark.parametrize(
    ("deny", "more", "sentence"),
    [
        (["10.1.0.0/16"], {}, "10.1.0.0/16 is of the private network 10.0.0.0/8, which labs do not reach anyway"),
        (["169.254.169.254/32"], {}, "169.254.169.254/32 is of the private network 169.254.0.0/16"),
        (["198.51.100.9/24"], {}, "198.51.100.9/24 is an address inside of the network 198.51.100.0/24"),
        (["0::/0"], {}, 'found "0::/0"; write ::/0'),
        (["example.org"], {}, 'found "example.org"; write a network with its length'),
        (
            ["198.51.100.0/24"],
            {"hub.lab.network.allow": ["198.51.0.0/16"]},
            "198.51.100.0/24 stays open, for 198.51.0.0/16 in hub.lab.network.allow opens some of it",
        ),
        (
            ["198.51.100.0/24"],
            {"hub.lab.network.egress": [block("198.51.100.128/25")]},
            "198.51.100.0/24 stays open, for 198.51.100.128/25 in hub.lab.network.egress opens some of it",
        ),
    ],
)
def test_a_network_that_would_not_be_closed_is_refused(
    judged: Judge, deny: list[str], more: dict[str, object], sentence: str
) -> None:
    refused, _ = judged(**{"hub.lab.network.deny": deny, **more})

    assert refused["hub.lab.network.deny[0]"].startswith(sentence)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"hub.lab.network.allow": ["198.18.0.0/16"]},
        {"hub.lab.network.egress": [block("198.51.0.0/16", "198.51.100.0/24")]},
    ],
)
@pytest.mark.parametrize("deny", [["198.51.100.0/24", "2001:db8::/32"], ["0.0.0.0/0", "::/0"]])
def test_a_network_of_the_internet_is_denied(judged: Judge, deny: list[str], more: dict[str, object]) -> None:
    assert judged(**{"hub.lab.network.deny": deny, **more}) == ({}, {})


def test_the_tool_and_the_chart_know_the_same_addresses() -> None:
    folder = CHART.folder / "templates" / "network"
    anywhere, internet = ((folder / name).read_text() for name in ("_anywhere.yaml", "_internet.yaml"))

    assert [network for network in CREDENTIALS if network not in anywhere] == []
    assert [network for network in PRIVATE if f'"{network}"' not in internet] == []


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("hub.network.ingress", [{}], "lets in everybody"),
        ("hub.network.ingress", [{"from": [{"namespaceSelector": {}}]}], "lets in every pod of the cluster"),
        ("hub.network.ingress", [{"from": [{"namespaceSelector": {"matchLabels": {}}}]}], "every pod of the cluster"),
        ("hub.network.ingress", [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}], "lets in everybody"),
        ("hub.lab.network.ingress", [{"from": [{"podSelector": {}}]}], "lets in every pod of the namespace"),
        ("hub.lab.network.egress", [{"to": [{"namespaceSelector": {}}]}], "leads to every pod of the cluster"),
        ("storage.network.ingress", [{"from": GOOD[0]["to"]}], "can act as root on all homes"),
        ("storage.network.ingress", [{"from": GOOD[0]["to"], "ports": [{"port": "nfs"}]}], "as root on all homes"),
        ("global.network", {"enabled": False}, "a lab reaches every pod and node"),
        ("global.network", {"cilium": True}, "write storage.nfs.networkPolicy: cilium"),
    ],
)
def test_what_opens_more_than_somebody_may_mean_is_warned_of(judged: Judge, key: str, value: object, word: str) -> None:
    refused, warned = judged(**{key: value})

    assert refused == {}
    assert [word in sentence for at, sentence in warned.items() if at.startswith(key)] == [True]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("storage.network.ingress", [{"from": GOOD[0]["to"], "ports": [{"port": 9100}]}]),
        ("hub.network.ingress", [{"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "b"}}}]}]),
        ("global.network", {"dns": {"pods": [{"namespace": "kube-system"}], "networks": ["169.254.20.10/32"]}}),
    ],
)
def test_what_names_somebody_is_not(judged: Judge, key: str, value: object) -> None:
    assert judged(**{key: value}) == ({}, {})
