"""A start that fails on a real cluster: what the API server, the scheduler and the kubelet say becomes a sentence.

Homes are in volumes of their own, which are what some starts fail for; what they are to people and outlive is at the end.
There is one, too, that does not fail, with all that a site can add to labs and to the hub.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from .lab import Lab
from .person import sit_down
from .release import Ports, Release

PEOPLE = ["badname", "noregistry", "huge", "volume", "nosecret", "nokey", "quota", "nodisk", "noclass", "fine", "other"]

# What goes wrong, for the person of that name.
TROUBLES = """
def trouble(spawner):
    name = spawner.user.name
    if name == "badname":
        spawner.image = "Not A Name"
    elif name == "noregistry":
        spawner.image = "localhost:9/jld/none:1"
    elif name == "volume":
        spawner.volumes = [*spawner.volumes, {"name": "lost", "configMap": {"name": "nowhere"}}]
        spawner.volume_mounts = [*spawner.volume_mounts, {"name": "lost", "mountPath": "/lost"}]
    elif name in ("nosecret", "nokey"):
        lost = {"name": "nowhere" if name == "nosecret" else "own", "key": "lost"}
        spawner.environment = {**spawner.environment, "LOST": {"valueFrom": {"secretKeyRef": lost}}}

c.KubeSpawner.pre_spawn_hook = trouble
"""
QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: none-left}
spec: {hard: {pods: "0"}}
"""


NO_DISK = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: no-disk}
spec: {hard: {requests.storage: "1"}}
"""
# As a volume would be of a site that names a class which is not there.
NO_CLASS = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: jld-failed-home.noclass}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}, storageClassName: nowhere}
"""


# What a site adds to labs, and to the hub.
OWN = """
apiVersion: v1
kind: Secret
metadata: {name: own}
stringData: {word: a word of the Secret}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own}
data: {list: a line of the ConfigMap}
"""
WORD = {"secret": "own", "key": "word"}
ADDED = {
    "environment": {"GREETING": '{"a": {}}', "WORD": WORD},
    "files": {"/etc/own/text": "text with {braces}\n", "/etc/own/word": WORD},
    "volumes": {
        "list": {"mountPath": "/opt/list", "configMap": {"name": "own"}},
        "word": {"mountPath": "/opt/word", "secret": {"secretName": "own"}},
        "filled": {"mountPath": "/opt/filled", "emptyDir": {"sizeLimit": "64Mi"}},
        "shared": {"mountPath": "/dev/shm", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
    },
}
# In a lab, and in the hub, with the program that runs there.
FOUND = """
import json, os, pathlib
read = lambda path: pathlib.Path(path).read_text()
memory = os.statvfs("/dev/shm")
print(json.dumps({
    "environment": {name: os.environ[name] for name in ("GREETING", "WORD")},
    "files": {path: read(path) for path in ("/etc/own/text", "/etc/own/word")},
    "volumes": {path: read(path) for path in ("/opt/list/list", "/opt/word/word", "/opt/filled/first", "/opt/filled/beside")},
    "memory": memory.f_blocks * memory.f_frsize,
    "whose": [os.stat(f"/opt/filled/{name}").st_uid == os.getuid() for name in ("first", "beside")],
    "started": read("/tmp/started"),
}))
"""
EXPECTED = {
    "environment": {"GREETING": '{"a": {}}', "WORD": "a word of the Secret"},
    "files": {"/etc/own/text": "text with {braces}\n", "/etc/own/word": "a word of the Secret"},
    "volumes": {
        **{"/opt/list/list": "a line of the ConfigMap", "/opt/word/word": "a word of the Secret"},
        **{"/opt/filled/first": "{first}", "/opt/filled/beside": "{beside}"},
    },
    "memory": 256 * 2**20,
    "whose": [True, True],
    "started": "{started}\n",
}
HUB_PYTHON = "/opt/jupyterhub/bin/python"


def writing(name: str, image: str, then: str = "") -> dict[str, Any]:
    """A container that writes into the folder that others read, and asks for next to nothing."""
    program = f"import pathlib, signal; pathlib.Path('/filled/{name}').write_text('{{{name}}}'); {then}"
    return {
        "name": name,
        "image": image,
        "command": [HUB_PYTHON, "-c", program],
        "volumeMounts": [{"name": "filled", "mountPath": "/filled"}],
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}},
    }


def added_containers(image: str) -> dict[str, Any]:
    stays = "signal.pthread_sigmask(signal.SIG_BLOCK, [15]); signal.sigwait([15])"
    return {
        "initContainers": [writing("first", image)],
        "containers": [writing("beside", image, stays)],
        "lifecycle": {"postStart": {"exec": {"command": ["/bin/sh", "-c", "echo {started} > /tmp/started"]}}},
    }


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Release], hub_image: str) -> Release:
    added = {**ADDED, "pod": added_containers(hub_image)}
    ports = Ports(http=31480, https=31483)
    site = {
        "global": {"hostname": "failed.test", "port": ports.https},
        "hub": {
            "auth": {"dummy": {"users": PEOPLE}},
            "lab": {"startTimeout": "20s", "sizes": {"huge": {"cpu": 4000, "memory": "4000Gi"}}, **added},
            **added,
            "extraConfig": {"50-trouble.py": TROUBLES},
        },
        "storage": {"homes": "perPerson", "perPerson": {"capacity": "100Mi"}},  # of the cluster's default class
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    return make_release("jld-failed", ports, site, before=OWN)


def failure(browser: Browser, release: Release, name: str, size: str = "Tiny") -> str:
    """What the page says in the end."""
    person = sit_down(browser, release)
    person.log_in_with_password(name, release.dummy_password)
    person.open("/hub/spawn")
    person.page.get_by_label(size).check()
    person.page.get_by_role("button", name="Start").click()
    reference = person.page.get_by_text(re.compile(r"Reference (for an administrator: )?[0-9a-f]{8}")).first
    try:
        reference.wait_for(timeout=20_000)
    except Exception:  # the page that waits shows the text in its log; the same address shows it after the end
        person.page.wait_for_timeout(15_000)
        person.open(f"/hub/spawn-pending/{name}")
        reference.wait_for(timeout=30_000)
    person.screenshot(f"failed-{name}")
    said = person.page.locator("body").inner_text()
    person.page.context.close()
    return " ".join(said.split())


@pytest.mark.parametrize(
    ("name", "size", "sentence", "says"),
    [
        ("badname", "Tiny", "The image Not A Name does not exist", "InvalidImageName"),
        ("noregistry", "Tiny", "could not be fetched: its registry does not answer", "localhost:9/jld/none:1"),
        ("huge", "Huge", "No node of the cluster has room for a lab of this size just now.", "Insufficient"),
        ("volume", "Tiny", "is not there: the ConfigMap nowhere.", 'configmap "nowhere" not found'),
        ("nosecret", "Tiny", "is not there: the Secret nowhere.", 'secret "nowhere" not found'),
        ("nokey", "Tiny", "is not there: the key lost of the Secret own.", "couldn't find key lost in Secret"),
    ],
)
def test_the_page_says_why_and_the_log_has_its_reference(
    browser: Browser, release: Release, name: str, size: str, sentence: str, says: str
) -> None:
    said = failure(browser, release, name, size)
    assert sentence in said
    assert says in said
    found = re.search(r"Reference (?:for an administrator: )?([0-9a-f]{8})", said)
    assert found
    log = release.kubectl("logs", f"deployment/{release.name}-hub")
    assert any(f"{name} did not start" in line for line in log.splitlines() if found[1] in line)
    release.kubectl("wait", "--for=delete", f"pod/{release.name}-lab-{name}", "--timeout=60s")


def test_a_quota_that_is_used_up_is_told_at_once(browser: Browser, release: Release) -> None:
    release.apply(QUOTA)
    release.kubectl("wait", "resourcequota/none-left", "--for=jsonpath={.status.hard}", "--timeout=30s")
    try:
        said = failure(browser, release, "quota")
    finally:
        release.kubectl("delete", "resourcequota", "none-left")
    assert (
        "The labs of this site use all that they may use together (pods 1 more would exceed the quota none-left)"
        in said
    )


def test_a_quota_without_room_for_a_home_is_told_at_once(browser: Browser, release: Release) -> None:
    release.apply(NO_DISK)
    release.kubectl("wait", "resourcequota/no-disk", "--for=jsonpath={.status.hard}", "--timeout=30s")
    try:
        said = failure(browser, release, "nodisk")
    finally:
        release.kubectl("delete", "resourcequota", "no-disk")
    assert "There is no room for a home of yours: the quota no-disk of the cluster has nothing left." in said


def test_a_home_whose_volume_nobody_makes_is_told_with_the_cause(browser: Browser, release: Release) -> None:
    release.apply(NO_CLASS)
    said = failure(browser, release, "noclass")
    assert (
        "There is no volume for your home: its storage class does not exist (storage.perPerson.storageClass)." in said
    )
    assert '"nowhere" not found' in said
    log = release.kubectl("logs", f"deployment/{release.name}-hub")
    assert any("noclass did not start" in line and "nowhere" in line for line in log.splitlines())


def test_nobody_else_is_harmed(browser: Browser, release: Release) -> None:
    for name in ("fine", "other"):
        person = sit_down(browser, release)
        person.log_in_with_password(name, release.dummy_password)
        person.start_lab("Tiny")
        person.page.context.close()


def test_each_home_is_on_a_volume_of_its_own(release: Release) -> None:
    for name in ("fine", "other"):
        lab = Lab(release, name)
        lab.python("open('note.txt', 'w').write(" + repr(name) + ")")
        look = "import os; s = os.stat('.'); print(os.listdir('/home'), s.st_uid == os.getuid(), oct(s.st_mode & 0o7777), os.getcwd())"
        assert lab.python(look) == f"['{name}'] True 0o700 /home/{name}"
    found = json.loads(
        release.kubectl("get", "persistentvolumeclaims", "--selector=component=singleuser-storage", "--output=json")
    )
    claims = {each["metadata"]["name"]: each for each in found["items"]}
    assert {"jld-failed-home.fine", "jld-failed-home.other"} <= set(claims)
    volumes = [claims[f"jld-failed-home.{name}"]["spec"]["volumeName"] for name in ("fine", "other")]
    assert len(set(volumes)) == 2
    assert claims["jld-failed-home.fine"]["metadata"]["annotations"]["hub.jupyter.org/username"] == "fine"


def test_what_a_site_adds_is_in_the_lab_and_in_the_hub(release: Release) -> None:
    """In the lab of the test before."""
    in_hub = ("exec", f"deployment/{release.name}-hub", "--container=hub", "--", HUB_PYTHON, "-c", FOUND)
    assert json.loads(Lab(release, "fine").python(FOUND)) == EXPECTED
    assert json.loads(release.kubectl(*in_hub)) == EXPECTED


def test_a_lab_counts_a_silent_computation_as_activity(release: Release) -> None:
    """In the lab of the test before."""
    log = release.kubectl("logs", f"{release.name}-lab-fine", "--container=notebook")
    assert "jld_activity | extension was successfully loaded" in log


def test_a_home_outlives_the_lab_and_the_release(browser: Browser, release: Release) -> None:
    release.uninstall()
    release.kubectl("wait", "--for=delete", "pod", "--all", "--timeout=60s")
    left = [each for each in release.inventory() if each.startswith("persistentvolumeclaim/")]
    assert {f"persistentvolumeclaim/jld-failed-home.{name}" for name in ("fine", "other")} <= set(left)

    release.install()
    person = sit_down(browser, release)
    person.log_in_with_password("fine", release.dummy_password)
    person.start_lab("Tiny")
    person.page.context.close()
    assert Lab(release, "fine").python("print(open('note.txt').read())") == "fine"
