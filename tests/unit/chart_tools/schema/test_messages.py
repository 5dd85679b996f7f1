"""What the tool says of keys that are not there, of values out of range, and of slips of writing: one row for each mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jld.schema.chart import Chart
from jld.schema.validation import problems
from jld.site.tree import put, tree

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
HEAD = "global: {hostname: jupyter.example.org}\n"
HUB = "hub: {auth: {dummy: {users: [alice]}}}\n"
NGINX = "nginx: {tls: {existingSecret: jupyter-tls}}\n"
NOBODY = "there is no such key; "


def hub(keys: str) -> str:
    return HEAD + NGINX + f"hub: {{auth: {{dummy: {{users: [alice]}}}}, {keys}}}\n"


def nginx(keys: str) -> str:
    return HEAD + HUB + f"nginx: {{tls: {{existingSecret: jupyter-tls}}, {keys}}}\n"


def top(keys: str) -> str:
    return HEAD + HUB + NGINX + keys


UNKNOWN = {
    "culling as a switch": (
        hub("culling: {enabled: false}"),
        "hub.culling.enabled",
        "`0s` for idleTimeout turns it off",
    ),
    "the name of an image": (hub("lab: {image: {name: lab}}"), "hub.lab.image.name", "did you mean repository?"),
    "https at the door": (nginx("https: true"), "nginx.https", "did you mean tls?"),
    "files of configuration": (
        hub("config: {}"),
        "hub.config",
        "Zero to JupyterHub's hub.config is now hub.auth and hub.traits (class by class)",
    ),
    "GPUs of a size": (
        hub("lab: {sizes: {gpu: {cpu: 4, memory: 8Gi, gpu: 1}}}"),
        "hub.lab.sizes.gpu.gpu",
        "did you mean gpus?",
    ),
    "sizes without lab": (hub("sizes: {}"), "hub.sizes", "did you mean hub.lab.sizes?"),
    "where pods run": (
        top("scheduling: {}\n"),
        "scheduling",
        "Zero to JupyterHub's scheduling is now hub.lab.placeholders, hub.lab.pod and global.pod",
    ),
    "a route of the Gateway API": (
        top("httpRoute: {}\n"),
        "httpRoute",
        "Zero to JupyterHub's httpRoute is now nginx.gateway (with `nginx.mode: gateway`)",
    ),
    "an Ingress at the top": (
        top("ingress: {enabled: true}\n"),
        "ingress.enabled",
        "Zero to JupyterHub's ingress.enabled is now nginx.mode (`ingress`, with nginx.trustedProxies)",
    ),
    "an Ingress as a switch": (
        nginx("ingress: {enabled: true}"),
        "nginx.ingress.enabled",
        "nginx.mode: ingress chooses it",
    ),
    "a file server as a switch": (
        top("storage: {nfs: {enabled: true}}\n"),
        "storage.nfs.enabled",
        "storage.mode: nfs chooses it",
    ),
    "a pipeline as a switch": (
        top("logging: {relay: {enabled: true}}\n"),
        "logging.relay.enabled",
        "logging.pipeline: relay chooses it",
    ),
    "a part that is always there": (nginx("enabled: true"), "nginx.enabled", "this part is always there; remove it"),
    "storage as a switch": (
        top("storage: {enabled: true}\n"),
        "storage.enabled",
        "this part is always there; remove it",
    ),
    "a switch of a map of data": (
        hub("log: {enabled: true}"),
        "hub.log.enabled",
        "nothing is switched on or off by such a key; accepted here: format, level",
    ),
    "the port at the door": (nginx("port: 8443"), "nginx.port", "did you mean global.port?"),
    "the size of a disk": (top("storage: {nfs: {size: 1Ti}}\n"), "storage.nfs.size", "did you mean capacity?"),
    "the size of the storage": (
        top("storage: {size: 1Ti}\n"),
        "storage.size",
        "with storage.mode claim it is storage.claim.capacity, with another mode the capacity below that one",
    ),
    "what a lab may use": (
        hub("lab: {resources: {}}"),
        "hub.lab.resources",
        "what a lab may use is said by its size, in hub.lab.sizes",
    ),
    "nodes of labs": (
        hub("lab: {nodeSelector: {}}"),
        "hub.lab.nodeSelector",
        "did you mean hub.lab.pod.nodeSelector?",
    ),
    "several hubs": (
        hub("replicas: 2"),
        "hub.replicas",
        "there is always one hub; the front door has nginx.replicas",
    ),
    "administrators of one way to log in": (
        hub("auth: {dummy: {users: [alice], admins: [alice]}}").replace("auth: {dummy: {users: [alice]}}, ", ""),
        "hub.auth.dummy.admins",
        "did you mean hub.auth.admins?",
    ),
    "a key of two words at another part": (
        hub("loginsPerMinute: 3"),
        "hub.loginsPerMinute",
        "did you mean nginx.loginsPerMinute?",
    ),
    "a word of many meanings at another part": (
        top("storage: {keepalive: {timeout: 3s}}\n"),
        "storage.keepalive.timeout",
        "accepted here: enabled, interval, resources",
    ),
}
SLIP = "no blank after the colon; write `hostname: ` and then the value"
TAB = "a tab; YAML is indented with spaces only"
INDENTED = "indented like nothing above it; begin the line in the column of the keys or entries that it belongs to"
TEAMS = "hub: {{auth: {{github: {{clientId: Iv1.8a61f9b3a7aba766, organizations: {{allow: [{}]}}}}}}}}\n"
SAID = {
    "more cores than any machine has": (
        hub("lab: {sizes: {small: {cpu: 100000}}}"),
        "3:67: error: hub.lab.sizes.small.cpu: found the number 100000, which is more than 4096; "
        "write a number of cores like 2, 0.5 or 500m",
    ),
    "more memory than any machine has": (
        hub("lab: {sizes: {small: {memory: 99999999Ti}}}"),
        '3:70: error: hub.lab.sizes.small.memory: found "99999999Ti", which is more than 999999Ti; '
        "write an amount with its unit, like 512Mi or 8Gi",
    ),
    "less memory than any": (
        hub("lab: {sizes: {small: {memory: 0Gi}}}"),
        '3:70: error: hub.lab.sizes.small.memory: found "0Gi", which is less than 0.01Gi; '
        "write an amount with its unit, like 512Mi or 8Gi",
    ),
    "a range that the phrase has": (
        nginx("replicas: 200"),
        "3:55: error: nginx.replicas: found the number 200; write a whole number from 1 to 100",
    ),
    "a choice without a phrase": (
        hub("lab: {git: {push: some}}"),
        '3:58: error: hub.lab.git.push: found "some"; write none, public or all',
    ),
    "no blank": (
        "global:\n  hostname:jupyter.example.org\n" + HUB + NGINX,
        f"2:3: error: global.hostname: {SLIP}",
    ),
    "no blank, and a key below": (
        "global:\n  hostname:jupyter.example.org\n  port: 443\n" + HUB + NGINX,
        f"2:3: error: {SLIP}",
    ),
    "no blank, and a key above": (
        "global:\n  port: 443\n  hostname:jupyter.example.org\n" + HUB + NGINX,
        f"3:3: error: {SLIP}",
    ),
    "no blank between braces": (
        "global: {hostname:jupyter.example.org}\n" + HUB + NGINX,
        f"1:10: error: global.hostname: {SLIP}",
    ),
    "a number after no blank": (
        "nginx:\n  tls: {existingSecret: jupyter-tls}\n  replicas:2\n" + HEAD + HUB,
        "3:3: error: no blank after the colon; write `replicas: ` and then the value",
    ),
    "a tab at the beginning": ("global:\n\thostname: jupyter.example.org\n" + HUB + NGINX, f"2:1: error: {TAB}"),
    "a tab after spaces": (
        "hub:\n  auth:\n    dummy:\n    \tusers: [alice]\n" + HEAD + NGINX,
        f"4:5: error: {TAB}",
    ),
    "a tab after a value": (
        "global:\n  hostname: jupyter.example.org\n\tport: 443\n" + HUB + NGINX,
        f"3:1: error: {TAB}",
    ),
    "too little indentation": (
        "global:\n  hostname: jupyter.example.org\n port: 443\n" + HUB + NGINX,
        f"3:2: error: {INDENTED}",
    ),
    "an entry of a list that stands alone": (
        HEAD + "hub:\n  lab:\n    network:\n      allow:\n      - 10.0.0.0/24\n     - 10.1.0.0/24\n",
        f"7:6: error: {INDENTED}",
    ),
    "a first line that is indented": (
        " global:\n  hostname: jupyter.example.org\nhub: {}\n",
        f"3:1: error: {INDENTED}",
    ),
    "too much indentation": (
        "global:\n  hostname: jupyter.example.org\n    port: 443\n" + HUB + NGINX,
        "3:5: error: indented more than the line above, which has its value already; begin both in the same column, or "
        "write the text of several lines in quotes",
    ),
    "no indentation": (
        "global:\nhostname: jupyter.example.org\n" + HUB + NGINX,
        "2:1: error: hostname: stands beside global, which has nothing below it; indent it, to be a key of global",
    ),
    "no indentation further in": (
        "hub:\n  auth:\n    dummy:\n    users: [alice]\n" + HEAD + NGINX,
        "4:5: error: hub.auth.users: stands beside dummy, which has nothing below it; indent it, to be a key of dummy",
    ),
    "a team with a blank": (
        HEAD + NGINX + TEAMS.format("my-org: team"),
        "3:79: error: hub.auth.github.organizations.allow[0]: YAML reads a key and a value here, for a blank follows the "
        'colon; write it in quotes: "my-org:team"',
    ),
    "a notice with a colon": (
        hub("lab: {notices: {monday: {Maintenance: at nine}}}"),
        "3:56: error: hub.lab.notices.monday: YAML reads a key and a value here, for a blank follows the colon; write it in "
        'quotes: "Maintenance: at nine"',
    ),
    "the address of a cloud's credentials": (
        hub("lab: {network: {allow: [169.254.169.254/32]}}"),
        "3:64: error: hub.lab.network.allow[0]: 169.254.169.254/32 is where clouds hand out a node's credentials; "
        "remove it",
    ),
    "the same in a further rule": (
        hub("lab: {network: {egress: [{to: [{ipBlock: {cidr: 'fd00:ec2::254/128'}}]}]}}"),
        "3:71: error: hub.lab.network.egress[0].to[0]: fd00:ec2::254/128 is where clouds hand out a node's credentials; "
        "remove it",
    ),
}


@pytest.mark.parametrize(("site", "key", "advice"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_key_that_is_not_there_is_answered_by_one_nearby_or_by_meaning(
    site: str, key: str, advice: str, complaints: Callable[[str], list[str]]
) -> None:
    [complaint] = complaints(site)
    assert complaint.split(": error: ")[1] == f"{key}: {NOBODY}{advice}"


@pytest.mark.parametrize(("site", "complaint"), SAID.values(), ids=SAID)
def test_the_mistake_itself_is_said_and_nothing_else(
    site: str, complaint: str, complaints: Callable[[str], list[str]]
) -> None:
    assert [line.partition(":")[2] for line in complaints(site)] == [complaint]


def test_no_sentence_shows_a_rule_of_the_schema() -> None:
    """Whatever a scalar of the schema is given, the words are a person's, not those of JSON Schema."""
    schema, values = CHART.schema(), CHART.defaults()
    words = ("(enum", "(pattern", "(type", "(max", "(min", "None", "['")
    leaves = _leaves(values)
    assert len(leaves) > 300
    for wrong in (["x"] * 200, {"x": {"y": "z"}}, -5, 10**12, "§" * 5000, True):
        for number in range(20):  # some together, far from each other: one after the other takes a minute
            site, mistaken = tree({}), values
            for path in leaves[number::20]:
                site = put(site, path, tree(wrong))
                mistaken = _with(mistaken, path, wrong)
            for problem in problems(site, mistaken, schema):
                assert not any(word in problem.sentence for word in words), problem.sentence


def _leaves(values: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, value in values.items() for leaf in _leaves(value, (*path, key))]


def _with(values: dict[str, object], path: tuple[str, ...], value: object) -> dict[str, object]:
    inner = values.get(path[0])
    below = _with(inner, path[1:], value) if len(path) > 1 and isinstance(inner, dict) else value
    return {**values, path[0]: below}
