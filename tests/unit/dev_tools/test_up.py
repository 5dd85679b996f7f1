"""What `make up` says, and what it refuses before anything is touched."""

import base64
from pathlib import Path

import pytest
from jlddev import up
from jlddev.clusters import providers
from jlddev.support.errors import MachineError

KUBECONFIG = Path("/somewhere/kubeconfig")


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(up, "LOCAL", tmp_path / "local")
    monkeypatch.setattr(up, "CERTIFICATE", tmp_path / "local" / "ca.crt")
    return tmp_path


def test_a_trial_is_told_with_port_names_password_and_certificate(local: Path) -> None:
    values = {
        "global": {"hostname": "jld.localhost", "port": 8443},
        "hub": {"auth": {"dummy": {"users": ["alice", "bob"]}}},
        "nginx": {"secret": {"caCertificate": base64.b64encode(b"the CA").decode()}},
    }
    url, people, authority, kubectl = up.how_to_reach(values, KUBECONFIG).splitlines()
    assert url == "JLD is up: https://jld.localhost:8443"
    assert people == "Log in as alice or bob; the password: .venv/bin/jld password"
    assert "ca.crt" in authority
    assert (local / "local" / "ca.crt").read_bytes() == b"the CA"
    assert kubectl == "kubectl: export KUBECONFIG=/somewhere/kubeconfig"


def test_a_site_with_its_own_certificate_and_github_is_told_its_address_only(local: Path) -> None:
    values = {
        "global": {"hostname": "jupyter.example.org"},
        "hub": {"auth": {"github": {"clientId": "Iv1.8a61f9b3a7aba766"}}},
        "nginx": {"tls": {"existingSecret": "jupyter-tls"}},
    }
    url, kubectl = up.how_to_reach(values, KUBECONFIG).splitlines()
    assert url == "JLD is up: https://jupyter.example.org"
    assert kubectl.startswith("kubectl: ")
    assert not (local / "local").exists()


def test_a_site_with_mistakes_stops_before_a_cluster_is_made(
    local: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Untouched(providers.Given):
        def check(self, ports: object, count: int = 1) -> None:
            pass

        def up(self, count: int = 1) -> Path:
            raise AssertionError("a cluster was made")

    monkeypatch.setattr(providers, "choose", Untouched)
    site = local / "site.yaml"
    site.write_text("global: {hostnam: x}\n")
    with pytest.raises(MachineError, match="Nothing was touched"):
        up.up(site)
    assert "did you mean hostname?" in capfd.readouterr().err


def test_a_kubeconfig_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    with pytest.raises(MachineError, match="KUBECONFIG names /no/such/file, and there is no such file"):
        providers.Given().up()


def test_down_leaves_a_given_cluster_as_it_is(monkeypatch: pytest.MonkeyPatch, local: Path) -> None:
    """Only the release goes, and only when it is there."""
    (local / "kubeconfig").touch()
    monkeypatch.setenv("KUBECONFIG", str(local / "kubeconfig"))
    called: list[list[str]] = []
    releases = "other\n"
    monkeypatch.setattr(providers, "output", lambda command: "ok")
    monkeypatch.setattr(up, "output", lambda command: releases)
    monkeypatch.setattr(up, "run", lambda what, command, log: called.append(command[5:]))
    up.down()
    assert called == []
    releases = "other\njld\n"
    up.down()
    assert called == [["uninstall", "jld", "--wait"]]
