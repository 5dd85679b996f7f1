"""Traits of JupyterHub in a site file: what the classes would refuse, the tool refuses first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jld.rules.traits.owned import CLASSES, OWNED
from jld.schema.chart import Chart

SITE = """\
global: {hostname: jupyter.localhost}
nginx: {tls: {existingSecret: jupyter-tls}}
hub:
  auth: {dummy: {users: [alice]}}
  traits:
"""
MISTAKES = {
    "a class that does not exist": (
        "    KubeSpawnr: {debug: true}\n",
        'site.yaml:5:3: error: hub.traits: the key "KubeSpawnr" is not accepted; did you mean KubeSpawner?',
    ),
    "a trait that does not exist": (
        "    KubeSpawner: {start_timeot: 600}\n",
        "site.yaml:6:33: error: hub.traits.KubeSpawner.start_timeot: "
        "KubeSpawner has no such trait; did you mean start_timeout?",
    ),
    "a trait in the spelling of the other keys": (
        "    KubeSpawner: {httpTimeout: 600}\n",
        "site.yaml:6:32: error: hub.traits.KubeSpawner.httpTimeout: "
        "KubeSpawner has no such trait; did you mean http_timeout?",
    ),
    "text for a number": (
        "    JupyterHub: {active_server_limit: many}\n",
        'site.yaml:6:39: error: hub.traits.JupyterHub.active_server_limit: found "many"; write a whole number',
    ),
    "a number for text": (
        "    KubeSpawner: {priority_class_name: 7}\n",
        "site.yaml:6:40: error: hub.traits.KubeSpawner.priority_class_name: found the number 7; write text in quotes",
    ),
    "a word for true": (
        "    Authenticator: {auto_login: 'sure'}\n",
        'site.yaml:6:33: error: hub.traits.Authenticator.auto_login: found "sure"; write true or false',
    ),
    "an annotation that is no text": (
        "    KubeSpawner: {extra_annotations: {billing: 12}}\n",
        "site.yaml:6:48: error: hub.traits.KubeSpawner.extra_annotations.billing: found the number 12; "
        "write text in quotes",
    ),
    "a number among names": (
        "    KubeSpawner: {env_keep: [PATH, 1]}\n",
        "site.yaml:6:36: error: hub.traits.KubeSpawner.env_keep[1]: found the number 1; write text in quotes",
    ),
    "a map among paths": (
        "    JupyterHub: {template_paths: [{a: b}]}\n",
        "site.yaml:6:35: error: hub.traits.JupyterHub.template_paths[0]: found keys and values; write text in quotes",
    ),
    "a label that is no text": (
        "    KubeSpawner: {user_namespace_labels: {team: 7}}\n",
        "site.yaml:6:49: error: hub.traits.KubeSpawner.user_namespace_labels.team: found the number 7; write text in quotes",
    ),
    "a name that is not filled in": (
        "    KubeSpawner: {dns_name_template: '{username}'}\n",
        'site.yaml:6:38: error: hub.traits.KubeSpawner.dns_name_template: found "{username}"; between braces write one of {name}, '
        "{namespace}, and {{ for a brace",
    ),
    "a label with a blank": (
        "    KubeSpawner: {user_namespace_labels: {team: my team}}\n",
        'site.yaml:6:49: error: hub.traits.KubeSpawner.user_namespace_labels.team: found "my team"; write the value of a label',
    ),
    "an annotation of a namespace in words that are no key": (
        "    KubeSpawner: {user_namespace_annotations: {my team: x}}\n",
        "site.yaml:6:57: error: hub.traits.KubeSpawner.user_namespace_annotations.my team: Kubernetes takes no such key; write "
        "letters, digits, -, _ and ., after a prefix like example.org/ if it has one",
    ),
    "a mistyped argument of requests": (
        "    GitHubOAuthenticator: {http_request_kwargs: {request_timout: 5}}\n",
        "site.yaml:6:66: error: hub.traits.GitHubOAuthenticator.http_request_kwargs.request_timout: no request takes it, and "
        "nobody could log in; did you mean request_timeout?",
    ),
    "a toleration that Kubernetes does not know": (
        "    KubeSpawner: {tolerations: [{key: labs, operater: Exists}]}\n",
        "site.yaml:6:55: error: hub.traits.KubeSpawner.tolerations[0].operater: "
        "Kubernetes has no such key here; did you mean operator?",
    ),
    "words for another program": (
        "    JupyterHub: {jinja_environment_options: {Always: Always}}\n",
        "site.yaml:6:18: error: hub.traits.JupyterHub.jinja_environment_options: not left to a site: Jinja takes words of its "
        "own alone, and the hub ends at another one; change it in hub.extraConfig",
    ),
    "one that prints instead of serving": (
        "    JupyterHub: {show_config: true}\n",
        "site.yaml:6:31: error: hub.traits.JupyterHub.show_config: not left to a site: it is for the command line",
    ),
    "a toleration of an effect that does not exist": (
        "    KubeSpawner: {tolerations: [{key: labs, operator: Exists, effect: NoScheduling}]}\n",
        'site.yaml:6:71: error: hub.traits.KubeSpawner.tolerations[0].effect: found "NoScheduling"; '
        "write NoSchedule, PreferNoSchedule or NoExecute",
    ),
    "a word that is none of the API's": (
        "    KubeSpawner: {image_pull_policy: Allways}\n",
        'site.yaml:6:38: error: hub.traits.KubeSpawner.image_pull_policy: found "Allways"; write Always, IfNotPresent or Never',
    ),
    "a hook that is mistyped": (
        "    KubeSpawner: {lifecycle_hooks: {postStart: {exec: {comand: [ls]}}}}\n",
        "site.yaml:6:56: error: hub.traits.KubeSpawner.lifecycle_hooks.postStart.exec.comand: "
        "Kubernetes has no such key here; did you mean command?",
    ),
    "a hook of two ways": (
        "    KubeSpawner: {lifecycle_hooks: {preStop: {exec: {command: [ls]}, sleep: {seconds: 5}}}}\n",
        "site.yaml:6:37: error: hub.traits.KubeSpawner.lifecycle_hooks.preStop: "
        "Kubernetes takes exactly one of exec, httpGet and sleep here; write one",
    ),
    "a hook that does not exist": (
        "    KubeSpawner: {lifecycle_hooks: {postStrat: {exec: {command: [ls]}}}}\n",
        "site.yaml:6:37: error: hub.traits.KubeSpawner.lifecycle_hooks.postStrat: "
        "Kubernetes has no such key here; did you mean postStart?",
    ),
    "a value that every value is beside": (
        "    KubeSpawner: {tolerations: [{key: labs, operator: Exists, value: big}]}\n",
        "site.yaml:6:70: error: hub.traits.KubeSpawner.tolerations[0].value: operator Exists tolerates every value, and Kubernetes "
        "refuses one beside it; remove one",
    ),
    "seconds of a taint that evicts nobody": (
        "    KubeSpawner: {tolerations: {a: {key: labs, operator: Exists, effect: NoSchedule, toleration_seconds: 5}}}\n",
        "site.yaml:6:106: error: hub.traits.KubeSpawner.tolerations.a.toleration_seconds: Kubernetes takes it with effect: NoExecute "
        "alone; write that, or remove it",
    ),
    "a requirement without values": (
        "    KubeSpawner: {node_affinity_required: [{matchExpressions: [{key: gpu, operator: In}]}]}\n",
        "site.yaml:6:64: error: hub.traits.KubeSpawner.node_affinity_required[0].matchExpressions[0].values: operator In needs some; "
        "write the values of the label",
    ),
    "a resource with a blank": (
        "    KubeSpawner: {extra_resource_limits: {nvidia.com/my gpu: 1}}\n",
        'site.yaml:6:62: error: hub.traits.KubeSpawner.extra_resource_limits."nvidia.com/my gpu": Kubernetes knows no such resource; '
        "write one of a node, like cpu, memory or nvidia.com/gpu",
    ),
    "an amount that is none": (
        "    KubeSpawner: {extra_resource_limits: {ephemeral-storage: 5 Gi}}\n",
        'site.yaml:6:62: error: hub.traits.KubeSpawner.extra_resource_limits.ephemeral-storage: found "5 Gi"; '
        "write an amount, like 2 or 512Mi",
    ),
    "a priority class that is no name": (
        "    KubeSpawner: {priority_class_name: High Priority}\n",
        'site.yaml:6:40: error: hub.traits.KubeSpawner.priority_class_name: found "High Priority"; '
        "write the name of a PriorityClass, like labs",
    ),
    "an annotation of two slashes": (
        "    KubeSpawner: {extra_annotations: {a/b/c: x}}\n",
        "site.yaml:6:46: error: hub.traits.KubeSpawner.extra_annotations.a/b/c: Kubernetes takes no such key; write letters, "
        "digits, -, _ and ., after a prefix like example.org/ if it has one",
    ),
    "somebody else's home": (
        "    KubeSpawner: {environment: {HOME: /tmp}}\n",
        "site.yaml:6:39: error: hub.traits.KubeSpawner.environment.HOME: JLD sets this itself, because each person has a home of "
        "their own; remove it",
    ),
    "more rights for a group": (
        "    KubeSpawner: {group_overrides: {a: {groups: [a], spawner_override: {privileged: true}}}}\n",
        "site.yaml:6:85: error: hub.traits.KubeSpawner.group_overrides.a.spawner_override.privileged: not left to a site: it would "
        "take away what keeps a lab from harming others; if you must, change it in hub.extraConfig",
    ),
    "an affinity of the wrong shape": (
        "    KubeSpawner: {node_affinity_required: [{matchExpressions: [{key: gpu, operator: In, values: yes}]}]}\n",
        "site.yaml:6:97: error: hub.traits.KubeSpawner.node_affinity_required[0].matchExpressions[0].values: "
        "found true; write a list",
    ),
    "a function": (
        "    KubeSpawner: {pre_spawn_hook: my_hook}\n",
        'site.yaml:6:35: error: hub.traits.KubeSpawner.pre_spawn_hook: found "my_hook"; '
        "a hook is a Python function, which is written in hub.extraConfig",
    ),
    "a secret": (
        "    JupyterHub: {cookie_secret: abc}\n",
        "site.yaml:6:33: error: hub.traits.JupyterHub.cookie_secret: not left to a site: it is a secret, and this "
        "would stand in a ConfigMap; the hub reads it from hub.secret.cookieSecret",
    ),
    "a lab with more rights": (
        "    KubeSpawner: {privileged: true}\n",
        "site.yaml:6:31: error: hub.traits.KubeSpawner.privileged: not left to a site: it would take away what keeps "
        "a lab from harming others; if you must, change it in hub.extraConfig",
    ),
    "a hook that would delete pods": (
        "    KubeSpawner: {after_pod_created_hook: my_hook}\n",
        "site.yaml:6:43: error: hub.traits.KubeSpawner.after_pod_created_hook: not left to a site: with one, KubeSpawner "
        "waits for its watch once more, and deletes a healthy pod when the watch lags",
    ),
    "everybody let in": (
        "    Authenticator: {allow_all: true}\n",
        "site.yaml:6:32: error: hub.traits.Authenticator.allow_all: not left to a site: who may log in and who "
        "administers the hub is said in hub.auth",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_place_cause_and_remedy(
    text: str, sentence: str, complaints: Callable[[str], list[str]]
) -> None:
    assert complaints(SITE + text) == [sentence]


def test_traits_of_the_right_type_are_accepted(complaints: Callable[[str], list[str]]) -> None:
    traits = """\
    JupyterHub: {active_server_limit: 200, template_vars: {announcement: Maintenance on Monday}}
    KubeSpawner:
      http_timeout: 300
      environment: {TZ: UTC}
      tolerations: [{key: labs, operator: Exists, effect: NoSchedule}]
      image_pull_policy: IfNotPresent
      extra_resource_limits: {nvidia.com/gpu: "1", ephemeral-storage: 5Gi}
      extra_annotations: {example.org/team: data}
      group_overrides: {01-a: {groups: [a], spawner_override: {http_timeout: 60, environment: {A: b}}}}
      priority_class_name: labs
    CryptKeeper: {n_threads: 2}
"""
    assert complaints(SITE + traits) == []


def test_a_trait_that_has_a_key_of_its_own_raises_a_warning(desk: Any) -> None:
    desk.write("site.yaml", SITE + "    KubeSpawner: {start_timeout: 600}\n")
    result = desk.run("check", "site.yaml")
    assert (result.exit_code, result.stderr) == (
        0,
        "site.yaml:6:34: warning: hub.traits.KubeSpawner.start_timeout: hub.lab.startTimeout says the same and is "
        "overruled here; use that key\n",
    )


def test_a_variable_of_jld_that_a_trait_replaces_raises_a_warning(desk: Any) -> None:
    hooks = "lifecycle_hooks: {post_start: {exec: {command: [ls]}}, preStop: {sleep: {seconds: 5}}}"
    desk.write(
        "site.yaml", SITE + f"    KubeSpawner: {{environment: {{JUPYTERHUB_SINGLEUSER_APP: notebook}}, {hooks}}}\n"
    )
    result = desk.run("check", "site.yaml")
    assert result.exit_code == 0
    assert (
        "hub.traits.KubeSpawner.environment.JUPYTERHUB_SINGLEUSER_APP: takes the place of JLD's own value"
        in result.stderr
    )


def test_every_name_that_jld_keeps_to_itself_is_a_trait() -> None:
    for class_name, reasons in OWNED.items():
        known = getattr(import_module(CLASSES[class_name]), class_name).class_traits(config=True)
        assert set(reasons) - set(known) == set()


def test_the_schema_refuses_the_same_classes_and_traits_without_the_tool() -> None:
    schema = Chart(Path(__file__).resolve().parents[4] / "chart").schema()
    rule = schema["properties"]["hub"]["properties"]["traits"]
    classes = set(rule["propertyNames"]["enum"])
    refused = {name: set(part["propertyNames"]["not"]["enum"]) for name, part in rule["properties"].items()}
    assert (classes, refused) == (set(CLASSES), {name: set(reasons) for name, reasons in OWNED.items()})


def test_nothing_waits_for_jupyterhub() -> None:
    site = {
        "auth": {
            "other": {"class": "gitlab", "clientId": "jld", "options": {"gitlab_url": "https://gitlab.example.org"}}
        },
        "traits": {"KubeSpawner": {"http_timeout": 300, "tolerations": [{"key": "labs", "operator": "Exists"}]}},
    }
    program = (
        "import sys; from jld.rules.between_keys import violations; from jld.site.tree import Node;"
        f"violations(Node({{}}), {{'hub': {site!r}}});"
        "sys.exit(bool({'jupyterhub', 'kubernetes_asyncio', 'oauthenticator', 'sqlalchemy', 'traitlets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
