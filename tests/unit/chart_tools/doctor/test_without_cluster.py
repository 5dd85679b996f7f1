"""Commands that ask a cluster, where there is none: the environment is unfit, and one sentence says why."""

from __future__ import annotations

from typing import Any

import pytest
from jlddev.support.paths import BIN

STATIC = """\
global: {hostname: jld.localhost}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {selfSigned: true}}
storage: {mode: nfs, nfs: {clients: [10.0.0.0/24], address: {mode: static}}}
"""
NOBODY = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: not-shown-to-anybody}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
"""
KUBECONFIGS = {
    "none": ("", "kubectl is told of none"),
    "nobody answers": (NOBODY, "refused"),
    "no YAML": ("{apiVersion: v1, users: [not-shown-to-anybody", "error loading config file"),
}
COMMANDS = {
    "doctor": ["doctor"],
    "doctor of a site": ["doctor", "site.yaml"],
    "an address for the file server": ["values", "site.yaml"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(("text", "reason"), KUBECONFIGS.values(), ids=KUBECONFIGS)
def test_without_a_cluster_the_environment_is_unfit(
    text: str, reason: str, words: list[str], desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("site.yaml", STATIC if words[0] == "values" else STATIC.replace("static", "hook"))
    desk.write("kubeconfig", text)
    monkeypatch.setenv("KUBECONFIG", str(desk.folder / "kubeconfig"))
    monkeypatch.setenv("PATH", str(BIN))  # with kubectl, by `make tools`

    result = desk.run(*words, HOME=str(desk.folder), COLUMNS="500")
    said = [line for line in result.output.splitlines() if reason in line]

    assert (result.exit_code, len(said)) == (2, 1), result.output
    assert "not-shown" not in result.output
    assert "Traceback" not in result.output
