"""What `jld check` says of variables, files, volumes and containers that a site adds to the hub and to labs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jld.rules.additions.parts import LABS
from jld.schema.chart import Chart
from jld.values.assembly import Sources, assemble

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
HEAD = "global: {hostname: jupyter.example.org}\nnginx: {tls: {existingSecret: t}}\n"
AUTH = "auth: {dummy: {users: [alice]}}"


def hub(rest: str) -> str:
    """A site that is right but for `rest` of the hub, in line 3."""
    return f"{HEAD}hub: {{{AUTH}, {rest}}}\n"


def both(rest: str, mistake: str) -> list[tuple[str, str]]:
    """A mistake in the hub's and in labs' additions: `PART` stands for the one and the other."""
    return [
        (hub(rest), mistake.replace("PART", "hub")),
        (hub(f"lab: {{{rest}}}"), mistake.replace("PART", "hub.lab")),
    ]


CLAIM = "persistentVolumeClaim: {claimName: a}"
ONE_SOURCE = (
    "a volume has exactly one source; write one of configMap, secret, csi, emptyDir and persistentVolumeClaim below it"
)
IMAGE = 'image: "quay.io/my-org/proxy:1.2"'
MISTAKES: list[tuple[str, str]] = [
    # Names of variables.
    (
        hub("lab: {environment: {HOME: /x}}"),
        "hub.lab.environment.HOME: JLD sets this itself, because each person has a home of their own; remove it",
    ),
    (
        hub("traits: {KubeSpawner: {environment: {HOME: /x}}}"),
        "hub.traits.KubeSpawner.environment.HOME: JLD sets this itself, because each person has a home of their own; remove it",
    ),
    (
        hub("lab: {environment: {HTTPS_PROXY: x}}").replace("org}", 'org, proxy: {https: "http://10.20.0.5:3128"}}', 1),
        "hub.lab.environment.HTTPS_PROXY: JLD sets this itself, because it is said in global.proxy; remove it",
    ),
    (
        hub("environment: {PYTHONPATH: /x}"),
        "hub.environment.PYTHONPATH: JLD sets this itself, because the hub's program is found by it; remove it",
    ),
    (
        hub("environment: {no_proxy: x}"),
        "hub.environment.no_proxy: JLD sets this itself, because it is said in global.proxy; remove it",
    ),
    *both(
        "environment: {JUPYTERHUB_API_TOKEN: x}",
        "PART.environment.JUPYTERHUB_API_TOKEN: JLD sets this itself, because JupyterHub speaks to its labs by them; remove it",
    ),
    *both(
        "environment: {1X: x}",
        'PART.environment: the key "1X" is not accepted; write the name of a variable: letters, digits, _, - and ., and no digit in front',
    ),
    *both(
        "environment: {X: 1}",
        'PART.environment.X: found the number 1; YAML does not read this as text; write it in quotes: "1"',
    ),
    *both(
        "environment: {X: {secret: a}}",
        "PART.environment.X.key: missing; write the name of a key: letters, digits, -, _ and .",
    ),
    *both(
        "environment: {X: {secret: A, key: k}}",
        'PART.environment.X.secret: found "A"; write the name of a Kubernetes object: lower case letters, digits, - and .',
    ),
    # Paths.
    *both(
        "files: {etc/x: a}",
        'PART.files: the key "etc/x" is not accepted; write a path from / on, without .., of letters, digits and ._@%+-, like /etc/dask/site.yaml',
    ),
    *both(
        "files: {/etc/../x: a}",
        'PART.files: the key "/etc/../x" is not accepted; write a path from / on, without .., of letters, digits and ._@%+-, like /etc/dask/site.yaml',
    ),
    *both(
        "files: {/tmp/x: a}",
        "PART.files./tmp/x: /tmp/x and /tmp lie in each other, and /tmp is TMP; write another path",
    ),
    *both(
        "files: {/lib/x: a}",
        "PART.files./lib/x: would hide what the image has in /lib; write a path of its own, like /opt/site",
    ),
    *both(
        f"volumes: {{a: {{mountPath: /etc, {CLAIM}}}}}",
        "PART.volumes.a.mountPath: would hide what the image has in /etc; write a path of its own, like /opt/site",
    ),
    *both(
        f"volumes: {{a: {{mountPath: /srv/a, {CLAIM}}}}}, files: {{/srv/a/x: b}}",
        "PART.files./srv/a/x: /srv/a/x and /srv/a lie in each other, and /srv/a is an earlier one's; write another path",
    ),
    (
        hub("lab: {files: {/home/x: a}}"),
        "hub.lab.files./home/x: /home/x and /home lie in each other, and /home is the folder of storage.volumes.home; write another path",
    ),
    (
        hub("lab: {files: {/etc/passwd: a}}"),
        "hub.lab.files./etc/passwd: /etc/passwd and /etc/passwd lie in each other, and /etc/passwd is by which a lab knows its owner; write another path",
    ),
    (
        hub("files: {/etc/jld/x: a}"),
        "hub.files./etc/jld/x: /etc/jld/x and /etc/jld lie in each other, and /etc/jld is where the hub's own settings and secrets are; write another path",
    ),
    *both(
        f"files: {{/etc/x: {'a' * 60000}, /etc/y: {'b' * 60000}, /etc/z: {'c' * 60000}}}",
        "PART.files: the texts have 180000 bytes together, and at most 131072 fit; put the large ones into a Secret, which `files` and `volumes` take by name",
    ),
    # Volumes.
    *both("volumes: {a: {mountPath: /a}}", f"PART.volumes.a: {ONE_SOURCE}"),
    *both(f"volumes: {{a: {{mountPath: /a, secret: {{secretName: a}}, {CLAIM}}}}}", f"PART.volumes.a: {ONE_SOURCE}"),
    *both(
        "volumes: {a: {mountPath: /a, emptyDir: {}}}",
        "PART.volumes.a.emptyDir.sizeLimit: missing; write an amount with its unit, like 512Mi or 8Gi",
    ),
    *both(
        f"volumes: {{tmp: {{mountPath: /a, {CLAIM}}}}}",
        "PART.volumes.tmp: tmp is a volume of JLD's own; write another name",
    ),
    (
        hub(f"lab: {{volumes: {{volume-home: {{mountPath: /a, {CLAIM}}}}}}}"),
        "hub.lab.volumes.volume-home: volume-home is a volume of JLD's own; write another name",
    ),
    (
        hub(f"lab: {{volumes: {{shm: {{mountPath: /a, {CLAIM}}}}}}}"),
        "hub.lab.volumes.shm: shm is a volume of JLD's own; write another name",
    ),
    *both(
        "volumes: {a: {mountPath: /dev/shm, emptyDir: {sizeLimit: 2Gi}}}",
        "PART.volumes.a.mountPath: has to be memory; write PART.volumes.a.emptyDir with medium: Memory and a sizeLimit",
    ),
    # Containers.
    *both(
        f"pod: {{containers: [{{name: a, {IMAGE}, comand: [x]}}]}}",
        "PART.pod.containers[0].comand: Kubernetes has no such key here; did you mean command?",
    ),
    *both(
        f"pod: {{initContainers: [{{name: a, {IMAGE}, args: x}}]}}",
        'PART.pod.initContainers[0].args: found "x"; write a list',
    ),
    *both("pod: {containers: [{name: a}]}", "PART.pod.containers[0].image: missing; write IMAGE"),
    *both(
        f"pod: {{initContainers: [{{name: a, {IMAGE}}}], containers: [{{name: a, {IMAGE}}}]}}",
        "PART.pod.containers[0].name: a is a container an earlier one; write another name",
    ),
    (
        hub(f"lab: {{pod: {{containers: [{{name: notebook, {IMAGE}}}]}}}}"),
        "hub.lab.pod.containers[0].name: notebook is a container of JLD's own; write another name",
    ),
    *both(
        f"pod: {{containers: [{{name: a, {IMAGE}, volumeMounts: [{{name: secret, mountPath: /x}}]}}]}}",
        "PART.pod.containers[0].volumeMounts[0].name: there is no PART.volumes.secret; write it there first",
    ),
    *both(
        "pod: {lifecycle: {postStart: {exec: {comand: [a]}}}}",
        "PART.pod.lifecycle.postStart.exec.comand: Kubernetes has no such key here; did you mean command?",
    ),
    (
        f"global: {{hostname: jupyter.example.org, pod: {{containers: []}}}}\nnginx: {{tls: {{existingSecret: t}}}}\nhub: {{{AUTH}}}\n",
        "global.pod.containers: there is no such key; did you mean hub.lab.pod.containers or hub.pod.containers?",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES, ids=[sentence.partition(": ")[0] for _, sentence in MISTAKES])
def test_a_mistake_about_additions_is_answered(
    text: str, sentence: str, complaints: Callable[[str], list[str]]
) -> None:
    of_tmp = "the hub's own" if sentence.startswith("hub.files") else LABS.mounts["/tmp"]
    told = [each.partition(": error: ")[2] for each in complaints(text)]
    start, _, rest = sentence.replace("TMP", of_tmp).partition("IMAGE")
    assert len(told) == 1, told
    assert told[0].startswith(start)
    assert told[0].endswith(rest)


PEOPLE = HEAD.replace("{hostname", "{userNamespaces: true, hostname") + f"storage: {{mode: external}}\nhub: {{{AUTH}, "
ELSEWHERE: list[tuple[str, str]] = [
    (
        "volumes: {a: {mountPath: /a, configMap: {name: a}}}",
        "hub.lab.volumes.a.configMap: a ConfigMap belongs to one namespace",
    ),
    (
        f"volumes: {{a: {{mountPath: /a, {CLAIM}}}}}",
        "hub.lab.volumes.a.persistentVolumeClaim: a claim belongs to one namespace",
    ),
    (
        f"pod: {{containers: [{{name: a, {IMAGE}, envFrom: [{{secretRef: {{name: s}}}}]}}]}}",
        "hub.lab.pod.containers[0].envFrom[0].secretRef.name: the hub copies only Secrets that",
    ),
    (
        f"pod: {{containers: [{{name: a, {IMAGE}, env: [{{name: X, valueFrom: {{configMapKeyRef: {{name: c, key: k}}}}}}]}}]}}",
        "hub.lab.pod.containers[0].env[0].valueFrom.configMapKeyRef.name: a ConfigMap belongs to one namespace",
    ),
]


@pytest.mark.parametrize(("rest", "sentence"), ELSEWHERE)
def test_what_labs_in_namespaces_of_people_cannot_reach_is_refused(
    rest: str, sentence: str, complaints: Callable[[str], list[str]]
) -> None:
    told = [each.partition(": error: ")[2] for each in complaints(f"{PEOPLE}lab: {{{rest}}}}}\n")]
    assert [each for each in told if each.startswith(sentence)], told


def test_a_secret_that_is_copied_may_be_named_by_a_container(complaints: Callable[[str], list[str]]) -> None:
    container = f"containers: [{{name: a, {IMAGE}, envFrom: [{{secretRef: {{name: s}}}}]}}]"
    text = f"{PEOPLE}lab: {{pod: {{{container}}}, environment: {{A: {{secret: s, key: k}}}}}}}}\n"
    assert not [each for each in complaints(text) if "hub.lab" in each]


@pytest.mark.parametrize(
    ("name", "text", "warned"),
    [
        ("DB_PASSWORD", "x", True),
        ("API_TOKEN", "x", True),
        ("client_secret", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("SSL_KEY", "/etc/grid/key.pem", False),
        ("DB_PASSWORD", "", False),
        ("TZ", "UTC", False),
        ("HARMLESS", "ghp_" + "a1B2" * 9, True),
        ("KEYBOARD", "de", False),
    ],
)
@pytest.mark.parametrize("part", ["hub", "lab"])
def test_text_that_looks_like_a_secret_is_warned_of_and_not_shown(
    name: str, text: str, warned: bool, part: str, tmp_path: Path
) -> None:
    environment = f'environment: {{{name}: "{text}"}}'
    site = tmp_path / "site.yaml"
    site.write_text(hub(environment if part == "hub" else f"lab: {{{environment}}}"))
    told = assemble(Sources([site], environment={}), CHART, datetime.now(UTC)).warnings
    found = [each.sentence for each in told if each.key == f"hub.{'' if part == 'hub' else 'lab.'}environment.{name}"]
    assert bool(found) is warned
    for sentence in found:
        assert sentence.startswith("looks like a secret")
        assert "write {secret: NAME, key: KEY}" in sentence
        assert len(text) < 10 or text not in sentence


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "CERTIFICATE"])
def test_a_private_key_in_a_file_is_warned_of_and_a_certificate_is_not(kind: str, tmp_path: Path) -> None:
    dashes = "-" * 5
    site = tmp_path / "site.yaml"
    text = f"{dashes}BEGIN {kind}{dashes}\\nAAAA\\n{dashes}END {kind}{dashes}\\n"
    site.write_text(hub(f'lab: {{files: {{/etc/own/x.pem: "{text}"}}}}'))
    told = assemble(Sources([site], environment={}), CHART, datetime.now(UTC)).warnings
    found = [each.sentence for each in told if "/etc/own/x.pem" in each.key]
    assert bool(found) is (kind == "PRIVATE KEY")
    assert all(each.startswith("holds a private key, and would stand in the ConfigMap") for each in found)
