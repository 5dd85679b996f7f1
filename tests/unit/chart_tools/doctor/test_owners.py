"""Volumes on which no home can be given to its person, as `jld doctor` sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jld.doctor import storage
from jld.doctor.facts import ClusterFacts, Finding, Level, Release
from jld.schema.chart import Chart
from jld.site.tree import coalesce

DEFAULTS = Chart(Path(__file__).resolve().parents[4] / "chart").defaults()
EFS, AZURE, SMB = "efs.csi.aws.com", "file.csi.azure.com", "smb.csi.k8s.io"
NO_OWNER = "on which no home can be given to its person"


def judged(subject: str, facts: dict[str, Any], **changes: Any) -> Finding:
    """What is said about the homes; the database has a class of its own."""
    site = coalesce(DEFAULTS, {"hub": {"db": {"external": True}}} | changes)
    (found,) = [
        each
        for each in storage.findings(ClusterFacts("v1.34.1", **facts), site, Release("science", "jld"))
        if each.subject == subject
    ]
    return found


def of_class(provisioner: str, parameters: dict[str, str] | None = None, provision: bool = True) -> Finding:
    made = {"metadata": {"name": "shared"}, "provisioner": provisioner, "parameters": parameters}
    wanted = {"hub": {"db": {"external": True}, "lab": {"provisionHomes": provision}}}
    claim = {"storage": {"claim": {"storageClass": "shared"}}}
    return judged("storage.claim", {"storage_classes": [made]}, **wanted, **claim)


@pytest.mark.parametrize(
    ("provisioner", "parameters", "what"),
    [
        (EFS, {"provisioningMode": "efs-ap"}, "an access point of EFS"),
        (EFS, None, "an access point of EFS"),
        (AZURE, {"skuName": "Premium_LRS"}, "a share over SMB"),
        (AZURE, {"protocol": "smb"}, "a share over SMB"),
        (SMB, None, "a share over SMB"),
    ],
)
def test_a_class_whose_volumes_belong_to_one_user_is_no_place_for_homes(
    provisioner: str, parameters: dict[str, str] | None, what: str
) -> None:
    found = of_class(provisioner, parameters)

    assert found.level is Level.failure
    assert found.observed.endswith(f"but each is {what}, {NO_OWNER}")
    assert "hub.lab.provisionHomes: false" in found.remedy


@pytest.mark.parametrize(
    ("provisioner", "parameters"),
    [(AZURE, {"protocol": "nfs"}), ("filestore.csi.storage.gke.io", None), ("rook-ceph.cephfs.csi.ceph.com", None)],
)
def test_other_classes_for_many_nodes_are_good(provisioner: str, parameters: dict[str, str] | None) -> None:
    assert of_class(provisioner, parameters).level is Level.ok


@pytest.mark.parametrize("provisioner", [EFS, AZURE, SMB])
def test_where_homes_are_not_provisioned_nobody_has_to_be_given_one(provisioner: str) -> None:
    assert of_class(provisioner, provision=False).level is Level.ok


def of_claim(volume: str = "home", **spec: Any) -> Finding:
    claim = {"metadata": {"name": "files"}, "spec": {"accessModes": ["ReadWriteMany"], "volumeName": "pv"}}
    volumes = {volume: {"mountPath": f"/{volume}", "existingClaim": "files"}}
    facts = {"claims": [claim], "volumes": [{"metadata": {"name": "pv"}, "spec": spec}]}
    return judged(f"storage.volumes.{volume}.existingClaim", facts, storage={"volumes": volumes})


@pytest.mark.parametrize(
    "spec",
    [
        {"csi": {"driver": EFS, "volumeHandle": "fs-0123::fsap-4567"}},
        {"csi": {"driver": EFS, "volumeHandle": "fs-0123"}, "mountOptions": ["tls", "accesspoint=fsap-4567"]},
        {"csi": {"driver": AZURE, "volumeHandle": "a#b", "volumeAttributes": {"protocol": "smb"}}},
        {"csi": {"driver": SMB, "volumeHandle": "server/share"}},
    ],
)
def test_a_claim_on_such_a_volume_is_no_place_for_homes_and_good_for_others(spec: dict[str, Any]) -> None:
    assert of_claim(**spec).level is Level.warning
    assert NO_OWNER in of_claim(**spec).observed
    assert of_claim("scratch", **spec).level is Level.ok


@pytest.mark.parametrize(
    "spec",
    [
        {"csi": {"driver": EFS, "volumeHandle": "fs-0123"}},
        {"csi": {"driver": EFS, "volumeHandle": "fs-0123:/jupyter"}},
        {"csi": {"driver": AZURE, "volumeHandle": "a#b", "volumeAttributes": {"protocol": "nfs"}}},
        {"nfs": {"server": "nfs.example.org", "path": "/home"}},
    ],
)
def test_a_claim_on_a_whole_file_system_is_good(spec: dict[str, Any]) -> None:
    assert of_claim(**spec).level is Level.ok
