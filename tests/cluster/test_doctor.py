"""`jld doctor` on a real cluster: what it says there, and that what it tells to type helps."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.secrets import self_signed
from jlddev.support.paths import BIN
from pytest_helm_charts.clusters import Cluster

from .release import JLD, Ports, Release

Findings = list[dict[str, Any]]


@pytest.fixture
def place(kube_cluster: Cluster, tmp_path: Path) -> Iterator[Release]:
    """A namespace in which nothing was installed yet."""
    release = Release(kube_cluster, "jld-doctor", Ports(http=0, https=0), tmp_path)
    release.delete()  # a test run that was killed may have left it
    release.create_namespace()
    yield release
    release.delete()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write(
        tmp_path / "site.yaml",
        {
            "global": {"hostname": "doctor.localhost"},
            "hub": {"auth": {"dummy": {"users": ["alice"]}}},
            "storage": {"mode": "hostPath"},
            "nginx": {"tls": {"existingSecret": "doctor-tls"}},
        },
    )


def write(file: Path, data: object) -> Path:
    file.write_text(yaml.safe_dump(data))
    return file


def doctor(release: Release, *sites: Path, kubeconfig: Path | None = None) -> tuple[int, Findings]:
    """Its exit code and findings."""
    given = str(kubeconfig or release.cluster.kube_config_path)
    words = ["--kubeconfig", given, "--namespace", release.name, "--release", release.name, "--format", "json"]
    command = [str(JLD), "doctor", *map(str, sites), *words, "--output", "/nowhere/values.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def about(subject: str, findings: Findings) -> dict[str, Any]:
    (found,) = [each for each in findings if each["subject"] == subject]
    return found


def type_in(release: Release, command: str) -> None:
    """What a person does with a command that the tool shows."""
    path = f"{BIN}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "KUBECONFIG": str(release.cluster.kube_config_path)}
    subprocess.run(["bash", "-c", command], env=environment, check=True, capture_output=True)


def apply(release: Release, folder: Path, *objects: dict[str, Any]) -> None:
    file = write(folder / "objects.yaml", {"apiVersion": "v1", "kind": "List", "items": list(objects)})
    release.kubectl("apply", "--filename", str(file))


def claim(name: str, volume: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeName": volume}
    spec |= {"resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def volume(name: str, folder: str) -> dict[str, Any]:
    """As a storage class that retains would make it."""
    spec: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "storageClassName": "", "capacity": {"storage": "1Gi"}}
    spec |= {"persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": folder}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def phase(release: Release, kind: str, name: str, wanted: str) -> None:
    release.kubectl("wait", f"{kind}/{name}", f"--for=jsonpath={{.status.phase}}={wanted}", "--timeout=60s")


def levels(findings: Findings, *wanted: str) -> Sequence[tuple[str, str]]:
    return [(each["subject"], each["found"]) for each in findings if each["level"] in wanted]


def test_of_a_release_that_works_nothing_is_a_failure(release: Release) -> None:
    code, findings = doctor(release, release.values)
    assert (code, levels(findings, "failure")) == (0, [])
    good = {each["subject"] for each in findings if each["level"] == "ok"}
    assert {"Kubernetes", "permissions", "hub.db", "storage.hostPath", "earlier release"} <= good
    # Not always good: other tests close a node, or lose one, beside this one.
    assert about("nodes", findings)["level"] in ("ok", "warning")
    # The stand-in for GitHub answers over HTTP.
    assert {"hub.auth.github.url", "hub.auth.github.apiUrl", "certificate"} <= good
    assert about("DNS name", findings)["level"] == "warning"  # the name exists in the browser of these tests only


def test_a_namespace_that_enforces_restricted_is_loosened_by_the_command(place: Release) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    place.kubectl("label", "namespace", place.name, label, "--overwrite")
    found = about("Pod Security", doctor(place)[1])
    assert found["level"] == "warning"
    type_in(place, found["command"])
    assert about("Pod Security", doctor(place)[1])["level"] == "ok"


def test_a_released_volume_is_bound_again_after_the_command(place: Release, tmp_path: Path) -> None:
    name, home = "jld-doctor-jld-doctor-retained", "jld-doctor-home"
    apply(place, tmp_path, volume(name, f"/var/lib/jld/test/{name}"), claim(home, name))
    phase(place, "persistentvolumeclaim", home, "Bound")
    place.kubectl("delete", "persistentvolumeclaim", home)
    phase(place, "persistentvolume", name, "Released")

    code, findings = doctor(place)
    found = about("earlier release", findings)
    assert (code, found["level"]) == (2, "failure")
    assert f"volume {name} is Released" in found["found"]
    type_in(place, found["command"])

    apply(place, tmp_path, claim(home, name))
    phase(place, "persistentvolumeclaim", home, "Bound")


def test_a_claim_that_helm_would_trip_over_belongs_to_the_release_after_the_command(
    place: Release, tmp_path: Path
) -> None:
    name, home = "jld-doctor-jld-doctor-claimed", "jld-doctor-home"
    apply(place, tmp_path, volume(name, f"/var/lib/jld/test/{name}"), claim(home, name))
    found = about("earlier release", doctor(place)[1])
    assert found["level"] == "failure"
    type_in(place, found["command"])
    after = about("earlier release", doctor(place)[1])
    assert (after["level"], "takes it over" in after["found"]) == ("ok", True)


def test_a_person_without_rights_is_told_which_are_missing(place: Release, site: Path, tmp_path: Path) -> None:
    place.kubectl("create", "serviceaccount", "visitor")
    config = yaml.safe_load(Path(str(place.cluster.kube_config_path)).read_text())
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token(place, "visitor")}}]
    code, findings = doctor(place, site, kubeconfig=write(tmp_path / "visitor.kubeconfig", config))
    found = about("permissions", findings)
    assert (code, found["level"]) == (2, "failure")
    assert "persistentvolumes" in found["found"]
    assert "need a ClusterRole of their own" in found["remedy"]
    assert about("nodes", findings)["level"] == "unknown"

    # As the remedy says: the ClusterRole admin is enough, but for what belongs to the whole cluster, and for a quota.
    assert "unless prepuller.nodesAtOnce is 0" in found["remedy"]
    pulls_nothing = write(tmp_path / "pulls.yaml", {"prepuller": {"nodesAtOnce": 0}})
    place.kubectl("create", "rolebinding", "visitor", "--clusterrole=admin", f"--serviceaccount={place.name}:visitor")
    assert about("permissions", doctor(place, kubeconfig=tmp_path / "visitor.kubeconfig")[1])["level"] == "ok"
    limited = write(tmp_path / "quota.yaml", {"hub": {"lab": {"quota": {"labs": 2}}}})
    found = about(
        "permissions", doctor(place, site, pulls_nothing, limited, kubeconfig=tmp_path / "visitor.kubeconfig")[1]
    )
    assert (
        found["found"]
        == "you may not create, delete, get, patch: persistentvolumes; create, delete, patch: resourcequotas"
    )


def token(release: Release, account: str) -> str:
    return release.kubectl("create", "token", account).strip()


def test_the_certificate_in_the_cluster_is_read_and_judged(place: Release, site: Path, tmp_path: Path) -> None:
    findings = doctor(place, site)[1]
    assert about("Secrets that the site names", findings)["level"] == "failure"
    for hostname, level in (("other.localhost", "failure"), ("doctor.localhost", "ok")):
        made = self_signed.generate(hostname, datetime.now(UTC))
        (tmp_path / "tls.crt").write_bytes(made.pair.certificate + made.authority)
        (tmp_path / "tls.key").write_bytes(made.pair.key)
        place.kubectl("delete", "secret", "doctor-tls", "--ignore-not-found")
        pair = (f"--cert={tmp_path / 'tls.crt'}", f"--key={tmp_path / 'tls.key'}")
        place.kubectl("create", "secret", "tls", "doctor-tls", *pair)
        findings = doctor(place, site)[1]
        assert about("certificate", findings)["level"] == level
        assert about("Secrets that the site names", findings)["level"] == "ok"


def test_a_cluster_that_does_not_answer_is_one_failure(place: Release, site: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(Path(str(place.cluster.kube_config_path)).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    code, findings = doctor(place, site, kubeconfig=write(tmp_path / "nowhere.kubeconfig", config))
    found = about("Kubernetes", findings)
    assert (code, found["level"]) == (2, "failure")
    assert "refused" in found["found"]
