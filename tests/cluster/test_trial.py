"""What `make up` installed and the lab of `make lab` run beside all these tests, which come before these in this process."""

import subprocess
from pathlib import Path

import pytest
from jlddev import up
from jlddev.clusters import providers
from jlddev.support.paths import CHECKOUT

from . import trial
from .users import Users


@pytest.fixture
def before(provider: providers.Provider, users: Users) -> trial.Pods:
    """The pods of the trial when the tests began."""
    found: trial.Pods = users.noted()["trial"]
    if not found:
        pytest.skip("no trial was in the cluster when the tests began: `make up lab` makes one")
    return found


def test_the_trial_runs_as_it_did_before_the_tests(before: trial.Pods, kube_config: str) -> None:
    assert trial.lost(before, trial.pods(Path(kube_config))) == []


def test_make_lab_finds_the_lab_that_runs_and_starts_no_other(before: trial.Pods, kube_config: str) -> None:
    if not any("-lab-" in name for name in before):
        pytest.skip("no lab ran in the trial when the tests began: `make lab` starts one")
    if not up.VALUES.exists():
        pytest.skip(f"the trial was not installed from this checkout, which has no {up.VALUES.name}")
    done = subprocess.run(
        [str(CHECKOUT / ".venv" / "bin" / "jlddev"), "lab"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("/lab")
    assert trial.pods(Path(kube_config)) == before
