"""`global.userNamespaces`: each person's labs in a namespace of their own, on the chart's file server. In this order."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pykube
import pytest
import yaml
from jlddev.clusters import providers
from playwright.sync_api import Browser, expect

from .lab import Lab
from .person import Person, sit_down
from .release import JLD, Ports, Release

PORTS = Ports(http=30380, https=30743)
RELEASE = "jld-people"
SITE = {
    "global": {"hostname": "people.test", "port": PORTS.https, "userNamespaces": True},
    "hub": {
        "auth": {"dummy": {"users": ["alice", "bob"]}},
        "lab": {
            "sizes": {"small": None, "medium": None, "large": None},
            "defaultSize": "tiny",
            "environment": {"WORD": {"secret": "own", "key": "word"}},
            "perUser": {"quota": {"cpu": 0.75}, "limitRange": {"cpu": 0.5, "memory": "1Gi"}},
        },
        "namedServers": {"limit": 10},
    },
    "storage": {"mode": "nfs", "nfs": {"capacity": "1Gi"}},
    "nginx": {
        "replicas": 1,
        "service": {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}},
        "tls": {"selfSigned": True},
    },
}

SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: own}
stringData: {word: a word of the Secret}
"""


@pytest.fixture(scope="module")
def people(make_release: Callable[..., Release]) -> Release:
    # The file server may open files by handle, which is more than Pod Security `baseline` allows.
    return make_release(RELEASE, PORTS, SITE, enforce="privileged", before=SECRET)


@pytest.fixture(scope="module")
def prefix(people: Release) -> str:
    # Its name ends in a digest.
    asked = "--selector=app.kubernetes.io/component=hub", r"--output=jsonpath={.items[*].data.settings\.yaml}"
    settings = people.kubectl("get", "configmaps", *asked)
    return str(yaml.safe_load(settings)["names"]["userNamespaces"]["prefix"])


@pytest.fixture(scope="module")
def persons(browser: Browser, people: Release) -> Iterator[dict[str, Person]]:
    found = {}
    for name in ("alice", "bob"):
        person = found[name] = sit_down(browser, people)
        person.log_in_with_password(name, people.dummy_password)
        person.start_lab("Tiny")
    yield found
    for person in found.values():
        person.page.context.close()


@pytest.fixture(scope="module")
def alice(people: Release, prefix: str, persons: dict[str, Person]) -> Lab:
    return Lab(people, "alice", f"{prefix}-alice")


@pytest.fixture(scope="module")
def bob(people: Release, prefix: str, persons: dict[str, Person]) -> Lab:
    return Lab(people, "bob", f"{prefix}-bob")


def one(lab: Lab, kind: str) -> dict[str, Any]:
    (found,) = json.loads(lab.kubectl("get", kind, "--output=json"))["items"]
    return dict(found)


def one_volume(lab: Lab) -> str:
    return str(one(lab, "persistentvolumeclaim")["spec"]["volumeName"])


def until_gone(kind: type[pykube.objects.APIObject], release: Release, names: set[str]) -> None:
    deadline = time.monotonic() + 240  # Kubernetes looks again after half of what its pods may take
    while left := names & {each.name for each in kind.objects(release.client)}:
        assert time.monotonic() < deadline, f"these stay: {left}"
        time.sleep(0.5)


def test_each_person_has_a_namespace_with_limits_and_a_policy(alice: Lab, bob: Lab) -> None:
    for lab in (alice, bob):
        assert one(lab, "pod")["metadata"]["name"] == lab.pod
        assert one(lab, "resourcequota")["spec"]["hard"] == {"limits.cpu": "750m"}
        assert one(lab, "limitrange")["spec"]["limits"][0]["max"] == {"cpu": "500m", "memory": "1Gi"}
        assert one(lab, "networkpolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]
        namespace = json.loads(lab.kubectl("get", "namespace", lab.namespace, "--output=json"))
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert alice.release.kubectl("get", "pods", "--selector=app.kubernetes.io/component=lab", "--output=name") == ""


def test_a_secret_that_the_site_names_is_copied_for_labs(alice: Lab) -> None:
    assert alice.python("import os; print(os.environ['WORD'])") == "a word of the Secret"


def test_homes_are_those_of_the_file_server(people: Release, alice: Lab, bob: Lab) -> None:
    alice.python("open('note.txt', 'w').write('kept')")
    uid = alice.python("import os; print(os.getuid())")
    server = f"deployment/{RELEASE}-file-server"

    assert people.kubectl("exec", server, "--", "stat", "-c", "%u", "/export/home/alice/note.txt").strip() == uid
    assert bob.python("import os; print(os.listdir('/home'))") == "['bob']"


def test_labs_of_two_people_reach_the_hub_and_not_each_other(
    provider: providers.Provider, people: Release, alice: Lab, bob: Lab
) -> None:
    if provider.name != "native":
        pytest.skip("whether the cluster of KUBECONFIG enforces NetworkPolicies is not known")
    (address,) = (one(bob, "pod")["status"]["podIP"],)
    connect = "import socket; socket.create_connection(({!r}, {}), 3); print('open')"

    assert alice.python(connect.format(f"{RELEASE}-hub.{RELEASE}", 8081)) == "open"
    assert "Error" in alice.failing(connect.format(address, 8888))


def test_a_lab_that_is_one_too_many_is_refused_with_the_quota_of_the_person(persons: dict[str, Person]) -> None:
    page = persons["alice"].page
    persons["alice"].open("/hub/spawn/alice/two")
    page.get_by_label("Tiny").check()
    page.get_by_role("button", name="Start").click()

    expect(page.get_by_text("Your labs use all that they may use together").first).to_be_visible(timeout=60_000)


def test_a_hub_that_was_killed_finds_the_labs_again(people: Release, alice: Lab, persons: dict[str, Person]) -> None:
    before = alice.uid
    people.kubectl("delete", "pod", "--selector=app.kubernetes.io/component=hub", "--wait")
    people.kubectl("rollout", "status", f"deployment/{RELEASE}-hub", "--timeout=120s")
    persons["alice"].open("/hub/home")

    expect(persons["alice"].page.get_by_role("button", name="Stop My Server")).to_be_visible(timeout=60_000)
    assert alice.uid == before
    assert persons["alice"].get("/user/alice/api/contents/note.txt").json()["content"] == "kept"


def test_a_claim_or_volume_that_somebody_deleted_is_back_at_the_next_start(
    people: Release, alice: Lab, persons: dict[str, Person]
) -> None:
    claim, volume = one(alice, "persistentvolumeclaim")["metadata"]["name"], one_volume(alice)
    for deleted in ("persistentvolumeclaim", "persistentvolume"):
        persons["alice"].stop_lab()
        if deleted == "persistentvolume":
            # As somebody would who has no patience: Kubernetes keeps a volume for as long as a claim is bound to it.
            people.kubectl("delete", "persistentvolume", volume, "--wait=false")
            people.kubectl("patch", "persistentvolume", volume, "--patch", '{"metadata": {"finalizers": null}}')
            alice.kubectl(
                "wait", f"persistentvolumeclaim/{claim}", "--for=jsonpath={.status.phase}=Lost", "--timeout=60s"
            )
        else:
            alice.kubectl("delete", "persistentvolumeclaim", claim, "--timeout=120s")
            phase = "--for=jsonpath={.status.phase}=Released"
            people.kubectl("wait", f"persistentvolume/{volume}", phase, "--timeout=60s")

        persons["alice"].start_lab("Tiny")

        assert one(alice, "persistentvolumeclaim")["status"]["phase"] == "Bound"
        assert one_volume(alice) == volume
        assert alice.python("print(open('note.txt').read())") == "kept"


def test_a_volume_of_before_goes_at_the_next_start_and_the_doctor_names_the_others(
    people: Release, alice: Lab, bob: Lab, persons: dict[str, Person], image_overlay: Path
) -> None:
    before, of_bob = one_volume(alice), one_volume(bob)
    file = people.values.with_name("site.yaml")
    site = yaml.safe_load(file.read_text())
    site["storage"]["volumes"] = {"home": {"capacity": "500Mi"}}
    file.write_text(yaml.safe_dump(site))
    people.write_values([file, image_overlay], people.values.with_name("secrets.yaml"))
    people.install()
    persons["alice"].stop_lab()
    persons["alice"].start_lab("Tiny")

    until_gone(pykube.PersistentVolume, people, {before})
    assert one_volume(alice) != before
    assert alice.python("print(open('note.txt').read())") == "kept"
    words = [str(JLD), "doctor", "--kubeconfig", str(people.cluster.kube_config_path), "--format", "json"]
    words += ["--namespace", people.name, "--release", people.name]
    found = json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout)["findings"]
    (named,) = [each["found"] for each in found if "volumes of people" in each["found"]]
    assert named.endswith(f"any more: {of_bob}")


def test_an_uninstall_takes_the_namespaces_and_leaves_the_files(
    browser: Browser, people: Release, prefix: str, alice: Lab, bob: Lab
) -> None:
    places = {lab.namespace for lab in (alice, bob)}
    copies = {each.name for each in pykube.PersistentVolume.objects(people.client) if each.name.startswith(prefix)}
    assert len(copies) == 2

    people.uninstall()
    until_gone(pykube.Namespace, people, places)
    until_gone(pykube.PersistentVolume, people, copies)

    people.install()
    person = sit_down(browser, people)
    person.log_in_with_password("alice", people.dummy_password)
    person.start_lab("Tiny")
    assert person.get("/user/alice/api/contents/note.txt").json()["content"] == "kept"
    person.page.context.close()


def test_without_them_labs_run_beside_the_hub_again_on_the_same_files(
    browser: Browser, people: Release, prefix: str, image_overlay: Path
) -> None:
    file = people.values.with_name("site.yaml")
    site = yaml.safe_load(file.read_text())
    site["global"]["userNamespaces"] = False
    del site["hub"]["lab"]["perUser"]
    file.write_text(yaml.safe_dump(site))
    people.write_values([file, image_overlay], people.values.with_name("secrets.yaml"))

    people.install()
    until_gone(pykube.Namespace, people, {f"{prefix}-alice"})
    person = sit_down(browser, people)
    person.log_in_with_password("alice", people.dummy_password)
    person.start_lab("Tiny")
    assert Lab(people, "alice").python("print(open('note.txt').read())") == "kept"
    person.page.context.close()


def test_a_namespace_with_a_home_on_a_volume_of_its_own_outlives_the_release_and_the_lab_does_not(
    browser: Browser, people: Release, prefix: str, image_overlay: Path
) -> None:
    people.uninstall()
    file = people.values.with_name("site.yaml")
    site = yaml.safe_load(file.read_text())
    site["global"]["userNamespaces"] = True
    site["storage"] = {"homes": "perPerson", "perPerson": {"capacity": "100Mi"}}
    file.write_text(yaml.safe_dump(site))
    people.write_values([file, image_overlay], people.values.with_name("secrets.yaml"))
    lab = Lab(people, "bob", f"{prefix}-bob")
    try:
        for found in ("", "kept"):
            people.install()
            person = sit_down(browser, people)
            person.log_in_with_password("bob", people.dummy_password)
            person.start_lab("Tiny")
            person.page.context.close()
            if found:
                assert lab.python("print(open('note.txt').read())") == found
                return
            lab.python("open('note.txt', 'w').write('kept')")
            assert one(lab, "persistentvolumeclaim")["metadata"]["name"] == f"{RELEASE}-home.bob"
            people.uninstall()
            lab.kubectl("wait", "--for=delete", f"pod/{lab.pod}", "--timeout=120s")
    finally:
        people.kubectl("delete", "namespace", lab.namespace, "--ignore-not-found", "--timeout=120s")
