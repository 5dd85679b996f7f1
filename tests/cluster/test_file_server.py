"""Homes on the chart's own file server: whatever happens to server, Service, hub and release, the files stay. In this order."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pykube
import pytest
import yaml
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser
from pytest_helm_charts.clusters import Cluster

from .lab import Lab, refused_start, start_lab, write_steadily
from .release import Ports, Release

PORTS = Ports(http=30180, https=30543)
OTHER_PORTS = Ports(http=30280, https=30643)
TEXT = "measured by night\n" * 1000
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()


class StorageClass(pykube.objects.APIObject):
    """Which pykube does not have."""

    version = "storage.k8s.io/v1"
    endpoint = "storageclasses"
    kind = "StorageClass"


@pytest.fixture(scope="module")
def growing(kube_cluster: Cluster) -> Iterator[str]:
    """A class as the cluster's own, whose disks may be asked to grow."""
    client = kube_cluster.kube_client
    marked = "storageclass.kubernetes.io/is-default-class"
    (usual, *_) = [each for each in StorageClass.objects(client) if each.annotations.get(marked) == "true"]
    taken = ("provisioner", "parameters", "volumeBindingMode")
    like = {key: usual.obj[key] for key in taken if usual.obj.get(key)}
    made = StorageClass(client, {**like, "metadata": {"name": "jld-test-growing"}, "allowVolumeExpansion": True})
    if made.exists():  # a test run that was killed may have left it
        made.delete()
    made.create()
    yield made.name
    made.delete()


def site(name: str, ports: Ports, storage_class: str) -> dict[str, object]:
    return {
        "global": {"hostname": f"{name}.test", "port": ports.https},
        "hub": {"auth": {"dummy": {"users": ["alice", "bob", "mallory", "zoe"]}}},
        "storage": {
            "mode": "nfs",
            "volumes": {
                "scratch": {"mountPath": "/scratch", "directoryMode": "1777"},
                "software": {"mountPath": "/software", "readOnly": True},
            },
            "nfs": {"capacity": "2Gi", "storageClass": storage_class},
            "keepalive": {"enabled": True, "interval": "2s"},
            "backup": {"claim": "archives"},
        },
        "nginx": {
            "replicas": 1,
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }


@pytest.fixture(scope="module")
def served(make_release: Callable[..., Release], growing: str) -> Release:
    """Installed from nothing with `helm install --wait`, without a step by hand."""
    # The right to open files by handle is more than Pod Security `baseline` allows.
    return make_release("jld-nfs", PORTS, site("jld-nfs", PORTS, growing), enforce="privileged")


@pytest.fixture(scope="module")
def alice(browser: Browser, served: Release) -> Iterator[Lab]:
    with start_lab(browser, served, "alice") as lab:
        yield lab


@pytest.fixture(scope="module")
def bob(browser: Browser, served: Release) -> Iterator[Lab]:
    with start_lab(browser, served, "bob") as lab:
        yield lab


def server_sees(release: Release, path: str) -> str:
    """Owner and mode of a file on the server's disk, by number."""
    return release.kubectl(
        "exec", f"deployment/{release.name}-file-server", "--", "stat", "-c", "%u:%g %a", path
    ).strip()


def address(release: Release) -> str:
    return release.kubectl("get", "service", f"{release.name}-file-server", "--output=jsonpath={.spec.clusterIP}")


def remembered(release: Release) -> set[str]:
    """The addresses that the release's volumes show."""
    found = [
        pykube.PersistentVolume.objects(release.client).get(name=f"{release.name}.{release.name}-{each}")
        for each in ("home", "scratch", "software")
    ]
    return {volume.obj["spec"]["nfs"]["server"] for volume in found}


def test_two_people_have_homes_that_only_they_can_open(served: Release, alice: Lab, bob: Lab) -> None:
    alice.python(f"open('night.txt', 'w').write({TEXT!r})")
    bob.python("open('mine.txt', 'w').write('of bob')")

    people = {lab.name: int(lab.python("import os; print(os.getuid())")) for lab in (alice, bob)}
    assert len(set(people.values())) == 2
    for name, uid in people.items():
        assert server_sees(served, f"/export/home/{name}") == f"{uid}:{uid} 700"
    assert alice.python("import os; print(os.listdir('/home'))") == "['alice']"
    assert bob.python("import os; print(os.listdir('/home'))") == "['bob']"


def test_scratch_is_for_everybody_and_software_for_reading(alice: Lab, bob: Lab) -> None:
    alice.python("open('/scratch/shared.txt', 'w').write('for bob')")

    assert bob.python("print(open('/scratch/shared.txt').read())") == "for bob"
    assert "Read-only file system" in alice.failing("open('/software/x', 'w')")


@pytest.mark.parametrize(
    ("name", "made", "reason"),
    [
        (
            "mallory",
            "ln -s /export/home/alice /export/home/mallory",
            "mallory: Not a directory; it is a link or a file and no directory",
        ),
        (
            "zoe",
            "mkdir /export/home/zoe; touch /export/home/zoe/old; chown -R 1234 /export/home/zoe",
            "zoe belongs to user 1234",
        ),
    ],
    ids=["a link to another home", "the home of another number"],
)
def test_a_home_that_is_not_the_persons_own_is_refused_and_left_alone(
    browser: Browser, served: Release, alice: Lab, name: str, made: str, reason: str
) -> None:
    served.kubectl("exec", f"deployment/{served.name}-file-server", "--", "sh", "-c", made)
    before = server_sees(served, f"/export/home/{name}")

    assert reason in refused_start(browser, served, name)

    assert server_sees(served, f"/export/home/{name}") == before
    assert alice.digest("night.txt") == DIGEST


def test_the_keepalive_shows_that_the_mount_lives(served: Release) -> None:
    served.kubectl("rollout", "status", f"deployment/{served.name}-keepalive", "--timeout=60s")

    assert server_sees(served, "/export/home/.jld-keepalive/last-write").startswith("768:768 ")


def test_a_server_that_is_killed_in_the_middle_of_writes_loses_nothing(
    served: Release, alice: Lab, describe_figure: Callable[[str], None]
) -> None:
    def kill() -> None:
        (server,) = served.pods("file-server")
        served.kubectl("delete", "pod", server.name, "--grace-period=1", "--wait=false")

    written = write_steadily(alice, "steady.bin", seconds=30, meanwhile=kill)

    assert alice.python(written.check) == "every block is there"
    assert server_sees(served, "/export/home/alice/steady.bin").endswith(" 644")
    describe_figure(f"file server killed: longest wait for a write {written.longest_wait:.1f} s")


def test_neither_a_killed_hub_nor_an_upgrade_touches_files_or_labs(served: Release, alice: Lab) -> None:
    before = alice.uid
    (hub,) = served.pods("hub")
    hub.delete()
    served.install()

    assert (alice.uid, alice.digest("night.txt")) == (before, DIGEST)


def test_a_service_that_was_made_anew_is_back_at_its_address_after_an_upgrade(served: Release, alice: Lab) -> None:
    before = address(served)
    name = f"{served.name}-file-server"
    served.kubectl("delete", "service", name)
    served.kubectl("create", "service", "clusterip", name, "--tcp=2049")
    assert address(served) != before

    served.install()

    assert (address(served), remembered(served)) == (before, {before})
    assert alice.digest("night.txt") == DIGEST  # the lab that ran all the time


def set_storage(release: Release, overlay: Path, **storage: object) -> None:
    """Other keys of the storage in the release's values."""
    file = release.values.with_name("site.yaml")
    document = yaml.safe_load(file.read_text())
    document["storage"] |= storage
    file.write_text(yaml.safe_dump(document))
    release.write_values([file, overlay], release.values.with_name("secrets.yaml"))


def test_the_address_becomes_a_fixed_one_and_a_hook_finds_it_again(
    served: Release, alice: Lab, image_overlay: Path, growing: str
) -> None:
    before, lab = address(served), alice.uid
    for mode, written in (("static", before), ("hook", "")):
        nfs = {"capacity": "2Gi", "storageClass": growing, "address": {"mode": mode, "clusterIP": written}}
        set_storage(served, image_overlay, nfs=nfs)
        served.install()
        assert (address(served), remembered(served)) == (before, {before})
        assert (alice.uid, alice.digest("night.txt")) == (lab, DIGEST)


def test_a_server_elsewhere_is_refused_before_anything_is_touched(
    served: Release, alice: Lab, image_overlay: Path
) -> None:
    def state() -> str:
        kinds = "configmaps,secrets,deployments,services,persistentvolumeclaims,networkpolicies,roles"
        return served.kubectl(
            "get", kinds, "--output=jsonpath={range .items[*]}{.metadata.uid} {.metadata.generation} {end}"
        )

    before = state()
    set_storage(served, image_overlay, mode="external", external={"server": "nfs.example.org"}, backup={})
    with pytest.raises(
        AssertionError, match=r"shows .*and cannot be changed to .*nfs\.example\.org.*nothing was changed"
    ):
        served.install()
    assert state() == before

    set_storage(served, image_overlay, mode="nfs", external={}, backup={"claim": "archives"})
    served.install()
    assert alice.digest("night.txt") == DIGEST


def test_a_larger_disk_and_another_folder_of_labs_do_not_restart_the_server(served: Release, alice: Lab) -> None:
    (before,) = served.pods("file-server")
    wanted = served.site
    wanted["storage"]["nfs"]["capacity"] = "3Gi"
    for volume in wanted["storage"]["volumes"].values():
        volume["capacity"] = "2918Mi"
    wanted["storage"]["volumes"]["software"]["mountPath"] = "/programs"
    served.values.write_text(yaml.safe_dump(wanted))

    served.install()

    (after,) = served.pods("file-server")
    statuses = [each.obj["status"]["containerStatuses"][0] for each in (before, after)]
    assert (after.metadata["uid"], statuses[1]["containerID"]) == (before.metadata["uid"], statuses[0]["containerID"])
    asked = "jsonpath={.spec.resources.requests.storage}"
    assert served.kubectl("get", "pvc", f"{served.name}-file-server", f"--output={asked}") == "3Gi"
    volume = pykube.PersistentVolume.objects(served.client).get(name=f"{served.name}.{served.name}-scratch")
    assert volume.obj["spec"]["capacity"] == {"storage": "2918Mi"}
    assert alice.digest("night.txt") == DIGEST


def test_homes_in_use_are_backed_up_whenever_somebody_asks(served: Release, alice: Lab, hub_image: str) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "archives"}, "spec": claim}
    served.apply(yaml.safe_dump(kind))

    written = write_steadily(alice, "busy.bin", seconds=30, meanwhile=lambda: back_up(served, "first"))
    said = back_up(served, "second")

    assert alice.python(written.check) == "every block is there"
    assert len(set(re.findall(r"home-[0-9TZ-]+\.tar\.gz", said))) == 2
    assert len(set(re.findall(r"hub-db-[0-9TZ-]+\.sqlite", said))) == 2


def test_a_home_comes_back_while_its_owner_works(served: Release, alice: Lab, hub_image: str) -> None:
    alice.python("import os; os.remove('night.txt')")

    assert "are back in 1 homes" in restore(served, "restore", hub_image, "alice")

    assert alice.digest("night.txt") == DIGEST
    uid = alice.python("import os; print(os.getuid())")
    assert server_sees(served, "/export/home/alice/night.txt") == f"{uid}:{uid} 644"


# Swaps what a restore writes for links to what a restore might reach, as fast as it can, until the file `end` is there.
SWAP = """
import os
targets = ['/homes/alice', '/homes', '../alice', '/archives', '/volumes/home/alice', '/home/alice', '/etc']
swaps = 0
print('swapping', flush=True)
while not os.path.exists('end'):
    for name in ('shared', 'shared/night.txt', 'shared/.jld-restore', 'night.txt', '.jld-restore'):
        swaps += 1
        target = targets[swaps % len(targets)] + ('' if name == 'shared' else '/night.txt')
        try:
            os.symlink(target, f'link{swaps}')
            if name == 'shared':
                os.rename('shared', f'away{swaps}')
            os.rename(f'link{swaps}', name)
            if name == 'shared' and swaps % 2:
                os.unlink('shared')
        except OSError:
            pass
        for each in os.listdir('.'):
            if each.startswith('link'):
                try:
                    os.unlink(each)
                except FileNotFoundError:  # NFS lists for a moment what has gone already
                    pass
print(swaps)
"""


def test_a_restore_against_a_hostile_lab_changes_nobody_elses_file(
    served: Release, alice: Lab, bob: Lab, hub_image: str
) -> None:
    bob.python("import os; os.mkdir('shared'); open('shared/night.txt', 'w').write('of bob')")
    bob.python("import os; [open(f'shared/{n}', 'w').write('of bob') for n in range(300)]")
    back_up(served, "with-bob")
    everything = "find /export -path /export/home/bob -prune -o -path '*/.jld-*' -prune -o -type f -exec md5sum {} +"
    before = on_the_server(served, everything)
    with ThreadPoolExecutor(1) as beside:
        swapping = beside.submit(bob.python, SWAP)
        try:
            said = [restore(served, "restore", hub_image, "bob") for _ in range(4)]
        finally:
            bob.python("open('end', 'w')")
        swaps = swapping.result()

    assert int(swaps.split()[-1]) > 100
    assert [each for each in said if "are back in 1 homes" not in each] == []
    assert sorted(on_the_server(served, everything).splitlines()) == sorted(before.splitlines())
    assert alice.digest("night.txt") == DIGEST


def test_the_hubs_database_comes_back_and_its_labs_go_on(served: Release, alice: Lab, hub_image: str) -> None:
    before = alice.uid
    back_up(served, "with-labs")
    hub = f"deployment/{served.name}-hub"
    served.kubectl("scale", hub, "--replicas=0")
    selector = f"app.kubernetes.io/instance={served.name},app.kubernetes.io/component=hub"
    served.kubectl("wait", "pod", "--for=delete", f"--selector={selector}", "--timeout=60s")

    assert "the hub's database is back" in restore(served, "restore-hub", hub_image)

    served.kubectl("scale", hub, "--replicas=1")
    served.kubectl("rollout", "status", hub, "--timeout=120s")
    assert (alice.uid, alice.digest("night.txt")) == (before, DIGEST)


def back_up(release: Release, name: str) -> str:
    """As the documentation says, and what the backup says."""
    release.kubectl("create", "job", f"--from=cronjob/{release.name}-backup", name)
    said = ended(release, f"job/{name}")
    assert "in an archive of" in said
    return said


def restore(release: Release, recipe: str, image: str, person: str = "") -> str:
    """A recipe of the documentation with this release's names, and what it says."""
    text = (CHECKOUT / "docs" / "recipes" / f"{recipe}.yaml").read_text()
    text = text.replace("PERSON", person).replace("IMAGE", image).replace("instance: jld", f"instance: {release.name}")
    text = text.replace("subPath: jld", f"subPath: {release.name}")
    for part in ("home", "hub-db", "backup"):
        text = text.replace(f"ame: jld-{part}}}", f"ame: {release.name}-{part}}}")
    return ended(release, release.create(text))


def ended(release: Release, job: str) -> str:
    """Wait for the end of a Job, good or bad, and return what it said."""
    deadline = time.monotonic() + 180
    while not release.kubectl("get", job, "--output=jsonpath={.status.conditions}"):
        assert time.monotonic() < deadline, f"{job} does not end:\n{release.story()}"
        time.sleep(1)
    return release.kubectl("logs", job)


def on_the_server(release: Release, program: str) -> str:
    return release.kubectl("exec", f"deployment/{release.name}-file-server", "--", "sh", "-c", program)


def foreign_pod(release: Release, image: str) -> dict[str, object]:
    """Somebody's own pod with the homes mounted, which waits for nothing when it is stopped."""
    claim = {"claimName": f"{release.name}-home"}
    container = {
        "name": "copy",
        "image": image,
        "command": ["sleep", "infinity"],
        "volumeMounts": [{"name": "home", "mountPath": "/homes"}],
        "resources": {"requests": {"cpu": "1m"}},
    }
    spec = {
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "home", "persistentVolumeClaim": claim}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "copy"}, "spec": spec}


def test_two_releases_do_not_notice_each_other_and_data_outlives_both(
    browser: Browser, make_release: Callable[..., Release], served: Release, alice: Lab, hub_image: str, growing: str
) -> None:
    wanted = site("jld-nfs-other", OTHER_PORTS, growing)
    other = make_release("jld-nfs-other", OTHER_PORTS, wanted, enforce="privileged")
    with start_lab(browser, other, "alice") as neighbour:
        neighbour.python("open('night.txt', 'w').write('another night')")
        assert alice.digest("night.txt") == DIGEST

        served.apply(yaml.safe_dump(foreign_pod(served, hub_image)))
        served.kubectl("wait", "pod/copy", "--for=condition=Ready", "--timeout=120s")
        served.uninstall()
        assert (
            served.pods("lab") + served.pods("keepalive") == []
        )  # nobody of the chart's has a mount whose server goes
        words = ("configmap", f"{served.name}-drain-report", "--output=jsonpath={.data.report}")
        assert "these mount the volumes, and are not the chart's to stop: jld-nfs/copy on node " in served.kubectl(
            "get", *words
        )
        assert neighbour.python("print(open('night.txt').read())") == "another night"

        served.install()
        served.kubectl("delete", "pod", "copy", "--timeout=120s")  # its mount lives again
        other.uninstall()
        with start_lab(browser, served, "alice") as again:
            assert again.digest("night.txt") == DIGEST
            assert again.python("import os; print(os.stat('night.txt').st_uid == os.getuid())") == "True"
