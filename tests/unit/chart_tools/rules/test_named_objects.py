"""Which Secrets and ConfigMaps additions name, which `jld doctor` looks for."""

from __future__ import annotations

from jld.rules.additions.named import Named, named


def test_each_object_that_a_pod_waits_for_is_named_once() -> None:
    of_container = {
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "m1", "key": "k", "optional": True}}},
        ],
        "envFrom": [{"secretRef": {"name": "s2"}}, {"configMapRef": {"name": "m2"}}],
    }
    site = {
        "hub": {
            "environment": {"A": {"secret": "s1", "key": "k"}, "B": "text", "C": None},
            "pod": {"initContainers": [of_container, "wrong"]},
            "lab": {
                "files": {"/etc/x": {"secret": "s3", "key": "k"}},
                "volumes": {
                    "a": {"secret": {"secretName": "s4", "items": [{"key": "k"}, {"key": "l"}]}},
                    "b": {"secret": {"secretName": "s5", "optional": True}},
                    "c": {"configMap": {"name": "m3"}},
                    "d": {"csi": {"nodePublishSecretRef": {"name": "s6"}}},
                    "e": {"emptyDir": {}},
                },
            },
        }
    }
    assert named(site) == [
        Named("Secret", "s1", "k"),
        Named("Secret", "s2"),
        Named("ConfigMap", "m2"),
        Named("Secret", "s3", "k"),
        *(Named("Secret", "s4", "k"), Named("Secret", "s4", "l")),
        Named("ConfigMap", "m3"),
        Named("Secret", "s6"),
    ]
    assert [str(each) for each in named(site)][:2] == ["s1 with the key k", "s2"]
