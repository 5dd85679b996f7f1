"""`make lab` at a real hub, over TLS: it starts a lab once, and says in a sentence why it cannot."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jlddev import lab
from jlddev.support.errors import MachineError

from tests.ports import free_port

from .deployment import PASSWORD
from .front_door import needs_nginx, self_signed
from .labs import LabHub

pytestmark = needs_nginx
PEOPLE = ("alice", "bob", "quota", "image")
QUOTA = 'pods "jld-lab-x" is forbidden: exceeded quota: jld-lab, requested: limits.cpu=1, used: limits.cpu=8, limited: limits.cpu=8'
PULL = {"waiting": {"reason": "ErrImagePull", "message": "its registry says: not found"}}
NO_IMAGE = {
    "phase": "Pending",
    "containerStatuses": [{"name": "notebook", "image": "lab:1", "restartCount": 0, "ready": False, "state": PULL}],
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    hub = LabHub(tmp_path_factory.mktemp("make-lab"), PEOPLE, lab={"startTimeout": "4s"})
    try:
        hub.start()
        hub.kubernetes.order(name="lab-quota", refuse={"code": 403, "message": QUOTA})
        hub.kubernetes.order(name="lab-image", status=NO_IMAGE)
        yield hub
    finally:
        hub.stop()


@pytest.fixture
def trial(hub: LabHub, tmp_path: Path) -> lab.Trial:
    authority = tmp_path / "ca.crt"
    authority.write_bytes(self_signed().authority)
    url = f"https://jupyter.example.org:{hub.deployment.doors[0].https_port}"
    return lab.Trial(url, PEOPLE, PASSWORD, authority, address="127.0.0.1")


def made(hub: LabHub, name: str) -> int:
    """How often a lab of that person was started."""
    return hub.kubernetes.told()["made"].get(f"pods/jld-lab-{name}", 0)


def test_a_lab_is_started_once_however_often_it_is_asked_for(hub: LabHub, trial: lab.Trial) -> None:
    urls = {lab.start(trial) for _ in range(2)}
    assert urls == {f"{trial.url}/user/alice/lab"}
    assert made(hub, "alice") == 1


def test_somebody_else_than_the_first_has_a_lab_of_their_own(hub: LabHub, trial: lab.Trial) -> None:
    assert lab.start(trial, "bob") == f"{trial.url}/user/bob/lab"
    assert made(hub, "bob") == 1


def test_somebody_whom_the_site_does_not_name_is_told_who_is(trial: lab.Trial) -> None:
    with pytest.raises(
        MachineError, match="mallory may not log in to this site: choose one of alice, bob, quota, image"
    ):
        lab.start(trial, "mallory")


def test_a_wrong_password_is_told(trial: lab.Trial) -> None:
    with pytest.raises(
        MachineError, match=r"The hub refused alice \(403\): does values.yaml belong to what is installed"
    ):
        lab.start(replace(trial, password="wrong"))


@pytest.mark.parametrize(
    ("person", "reason"),
    [("quota", "The labs of this site use all that they may use together"), ("image", "The image .* does not exist")],
)
def test_a_start_that_fails_is_told_as_the_hub_tells_it(trial: lab.Trial, person: str, reason: str) -> None:
    with pytest.raises(MachineError, match=reason):
        lab.start(trial, person)


def test_a_site_that_does_not_answer_is_told(trial: lab.Trial) -> None:
    with pytest.raises(MachineError, match=r"does not answer \(.*refused.*\): run `make up`"):
        lab.start(replace(trial, url=f"https://jupyter.example.org:{free_port()}"))


def test_a_certificate_of_another_authority_is_not_taken(trial: lab.Trial) -> None:
    with pytest.raises(MachineError, match=r"does not answer \(.*certificate verify failed"):
        lab.start(replace(trial, authority=None))


def test_an_authority_that_is_not_there_is_told(trial: lab.Trial) -> None:
    with pytest.raises(MachineError, match=r"There is no /nowhere/ca\.crt: run `make up`"):
        lab.start(replace(trial, authority=Path("/nowhere/ca.crt")))


def test_the_trial_is_that_of_the_values_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "VALUES", tmp_path / "values.yaml")
    with pytest.raises(MachineError, match="nothing was installed from here"):
        lab.installed()

    values = {
        "global": {"hostname": "jld.localhost", "port": 8443, "hubRoute": "/nb/"},
        "hub": {"auth": {"dummy": {"users": ["alice", "bob"]}}, "secret": {"dummyPassword": "b3BlbiBzZXNhbWU="}},
        "nginx": {"secret": {"caCertificate": "made"}},
    }
    lab.VALUES.write_text(yaml.safe_dump(values))
    assert lab.installed() == lab.Trial(
        "https://jld.localhost:8443/nb", ("alice", "bob"), "open sesame", lab.CERTIFICATE, "127.0.0.1"
    )

    values["hub"]["auth"] = {"github": {}}
    lab.VALUES.write_text(yaml.safe_dump(values))
    with pytest.raises(MachineError, match="Only a person can log in to this site"):
        lab.installed()
