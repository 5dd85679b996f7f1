"""The prepuller at a real API server and more nodes than there are here: `make bench-prepuller` in small."""

import subprocess
import sys

import pytest
from jlddev.clusters import providers
from jlddev.support.paths import CHECKOUT


def test_many_nodes_converge_with_two_requests_a_pull(provider: providers.Provider) -> None:
    """Its API server is one of its own, of the programs that the cluster has. The bench says by its exit code what is wrong."""
    if provider.name != "native":
        pytest.skip(
            "Its API server is of the programs that the native cluster compiles: unset KUBECONFIG, where no Docker runs"
        )
    words = ["--nodes", "30", "--images", "3", "--at-once", "7"]
    command = [sys.executable, str(CHECKOUT / "tests" / "bench" / "prepuller"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
