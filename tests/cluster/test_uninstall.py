"""A second release beside the first: what uninstalling leaves, and that it can be installed again over it."""

import uuid
from collections.abc import Callable

import pykube
import pytest
from playwright.sync_api import Browser

from .person import Person, sit_down
from .release import Ports, Release

PORTS = Ports(http=32080, https=32443)


@pytest.fixture(scope="module")
def other(make_release: Callable[..., Release]) -> Release:
    return make_release(
        "jld-other",
        PORTS,
        {
            "global": {"hostname": "other.test", "port": PORTS.https},
            "hub": {"auth": {"dummy": {"users": ["alice"]}}},
            "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
            "nginx": {
                "replicas": 1,
                "service": {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}},
                "tls": {"selfSigned": True},
            },
        },
    )


def alice(browser: Browser, release: Release) -> Person:
    person = sit_down(browser, release)
    person.log_in_with_password("alice", release.dummy_password)
    person.start_lab("Tiny")
    return person


def test_uninstall_takes_the_labs_along_and_leaves_only_the_data(browser: Browser, other: Release) -> None:
    person = alice(browser, other)
    person.write_file("/user/alice/", "note.txt", "kept")

    other.uninstall()
    other.kubectl("wait", "--for=delete", "pod", "--all", "--timeout=60s")
    assert other.inventory() == [
        "configmap/kube-root-ca.crt",  # every namespace has it
        "networkpolicy.networking.k8s.io/jld-other-closed",  # pods that still end are closed, and not open
        "persistentvolumeclaim/jld-other-home",
        "persistentvolumeclaim/jld-other-hub-db",
        "serviceaccount/default",  # every namespace has it
    ]
    assert pykube.PersistentVolume.objects(other.client).get_or_none(name="jld-other.jld-other-home") is not None

    other.install()
    person = alice(browser, other)
    assert person.get("/user/alice/api/contents/note.txt").json()["content"] == "kept"
