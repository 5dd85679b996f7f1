"""`hub.lab.quota` on a real API server: labs are held to it, and the platform's own pods are not."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jlddev.support.paths import BIN, CHECKOUT
from jldhub.labs.pod import lab_pod_fields
from jldhub.settings.lab import Quota
from pytest_helm_charts.clusters import Cluster

from .release import Ports, Release

SITE = {
    "global": {"hostname": "quota.localhost"},
    "hub": {"auth": {"dummy": {"users": ["alice"]}}, "lab": {"quota": {"labs": 2}}},
    "nginx": {"tls": {"selfSigned": True}},
}


@pytest.fixture
def place(kube_cluster: Cluster, tmp_path: Path) -> Iterator[Release]:
    """A namespace with the chart's quota for two labs of the largest size, and nothing else."""
    release = Release(kube_cluster, "jld-quota", Ports(http=0, https=0), tmp_path)
    release.delete()  # a test run that was killed may have left it
    release.create_namespace()
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
    (tmp_path / "secrets.yaml").write_text("{}")
    release.write_values([tmp_path / "site.yaml"], tmp_path / "secrets.yaml")
    template = "charts/hub/templates/lab/resourcequota.yaml"
    rendered = release.helm(
        "template", release.name, str(CHECKOUT / "chart"), "-f", str(release.values), "-s", template
    )
    (tmp_path / "quota.yaml").write_text(rendered)
    release.kubectl("apply", "--filename", str(tmp_path / "quota.yaml"))
    release.kubectl("wait", "resourcequota/jld-quota-lab", "--for=jsonpath={.status.hard}", "--timeout=30s")
    yield release
    release.delete()


def pod(name: str, size: dict[str, str], **fields: Any) -> dict[str, Any]:
    """One that no node takes: what is asked here is whether it may be there."""
    container = {"name": "main", "image": "nowhere/none:1", "resources": {"limits": size, "requests": {"cpu": "1m"}}}
    spec = {"nodeSelector": {"jld.test/node": "none"}, "containers": [container], **fields}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def refusal(release: Release, wanted: dict[str, Any]) -> str:
    """Why the API server does not take a pod; nothing when it does."""
    command = [str(BIN / "kubectl"), "--kubeconfig", str(release.cluster.kube_config_path), "create", "-f", "-"]
    command += ["--namespace", release.name]
    done = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def test_labs_are_held_to_the_quota_and_the_platform_is_not(place: Release) -> None:
    as_a_lab = lab_pod_fields(Quota(cpu=8, memory="16Gi"))
    large = {"cpu": "4", "memory": "8Gi"}
    assert [refusal(place, pod(f"lab-{number}", large, **as_a_lab)) for number in (1, 2)] == ["", ""]
    third = refusal(place, pod("lab-3", {"cpu": "500m", "memory": "1Gi"}, **as_a_lab))
    assert "exceeded quota: jld-quota-lab" in third
    assert refusal(place, pod("hub", large)) == ""
    place.kubectl("delete", "pod", "lab-1", "--wait")
    assert refusal(place, pod("lab-4", {"cpu": "500m", "memory": "1Gi"}, **as_a_lab)) == ""
