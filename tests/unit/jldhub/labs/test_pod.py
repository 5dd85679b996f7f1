"""The pieces of a lab pod."""

from pathlib import Path

from jldhub.identity import Identity
from jldhub.labs import init_home
from jldhub.labs.pod import home_init_container, owner_reference
from kubernetes_asyncio.client import V1OwnerReference

ADA = Identity(uid=4000001, gid=4000002, groups=(), name="Ada", email="")


def test_the_home_is_made_by_the_hubs_image_for_the_person() -> None:
    container = home_init_container("localhost/jld/hub:0.1.0", "ada", ADA)
    assert container["image"] == "localhost/jld/hub:0.1.0"
    assert container["command"] == [
        "/opt/jupyterhub/bin/python",
        "-c",
        Path(init_home.__file__).read_text(),
        "/homes",
        "ada",
        "4000001",
        "4000002",
    ]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"], "drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsGroup": 0,
        "runAsNonRoot": False,
        "runAsUser": 0,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_lab_belongs_to_the_charts_service_account() -> None:
    assert owner_reference("jld-lab", "0a1b") == V1OwnerReference(
        api_version="v1",
        kind="ServiceAccount",
        name="jld-lab",
        uid="0a1b",
        block_owner_deletion=False,
        controller=False,
    )
