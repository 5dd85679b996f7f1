"""What kind is told, and of what the node image of the harness's own is made: nothing here starts an engine."""

import json
import os
from pathlib import Path

import pytest
from jlddev.clusters import cgroups, load, providers
from jlddev.docker import node_image
from jlddev.docker.engine import ENGINE
from jlddev.docker.kind import PATIENT, OwnKind
from jlddev.images import build
from jlddev.support import ports
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.paths import DEV_TOOLS

MAPPINGS = [
    {"containerPort": 30443, "hostPort": 8443, "listenAddress": "127.0.0.1"},
    {"containerPort": 30080, "hostPort": 8080, "listenAddress": "127.0.0.1"},
]


@pytest.mark.parametrize("unified", [True, False], ids=["cgroup v2", "cgroup v1"])
def test_a_cluster_of_kinds_own_image_needs_a_word_for_cgroup_v1_alone(
    unified: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "is_unified", lambda: unified)

    told = providers.Kind().configuration(3)
    patches = [json.loads(patch) for patch in told["kubeadmConfigPatches"]]
    assert patches == ([] if unified else providers.CGROUP_V1)
    assert {**told, "kubeadmConfigPatches": []} == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"apiServerAddress": "127.0.0.1"},
        "nodes": [
            {"role": "control-plane", "extraPortMappings": MAPPINGS},
            {"role": "worker"},
            {"role": "worker"},
        ],
        "kubeadmConfigPatches": [],
    }


def test_a_cluster_on_the_engine_of_the_harness_has_its_address_image_and_patience() -> None:
    told = OwnKind().configuration(2)
    first, worker = told["nodes"]
    assert told["networking"] == {"apiServerAddress": ENGINE.address, "apiServerPort": 6443}
    assert {each["listenAddress"] for each in first["extraPortMappings"]} == {ENGINE.address}
    assert first["image"] == worker["image"] == f"kindest/node:{node_image.version()}"
    assert json.loads(told["kubeadmConfigPatches"][0]) == PATIENT


class Running(providers.Kind):
    """A cluster of one node that runs."""

    def running(self) -> bool:
        return True

    def nodes(self) -> list[str]:
        return ["jld-control-plane"]


def test_a_running_cluster_is_told_to_have_fewer_nodes_than_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kind").touch(mode=0o755)
    monkeypatch.setattr(providers, "BIN", tmp_path)
    Running().check([8443], 1)
    with pytest.raises(MachineError, match=r"fewer nodes \(1\).* make cluster-down, then repeat with NODES=3"):
        Running().check([], 3)


def test_the_ports_of_a_cluster_that_does_not_run_must_be_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kind").write_text("#!/bin/sh\n")
    (tmp_path / "kind").chmod(0o755)
    monkeypatch.setattr(providers, "BIN", tmp_path)
    monkeypatch.setattr(ports, "in_use", lambda port: port == 8443)
    with pytest.raises(MachineError, match=r"Port 8443 of 127.0.0.1 is taken"):
        providers.Kind().check([8080, 8443])


def test_an_image_is_given_only_to_the_nodes_that_lack_it_and_has_its_alias_on_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = build.Image("hub", build.FOLDERS["hub"])
    have = {"one": image.reference, "two": "another:1"}
    asked: list[list[str]] = []
    ran: list[list[str]] = []

    def output(command: list[object], env: object) -> str:
        asked.append(list(map(str, command)))
        return f"{have[str(command[2])]}\n"

    monkeypatch.setattr(load, "output", output)
    monkeypatch.setattr(load, "run", lambda what, command, **options: ran.append(list(map(str, command))))
    monkeypatch.setattr(load, "save", lambda builder, each, folder: tmp_path / f"{each.name}.tar")
    load.into_kind(build.Buildah(), "jld", have, [image], {})

    assert ran == [["kind", "load", "image-archive", f"{tmp_path}/hub.tar", "--name", "jld", "--nodes", "two"]]
    assert [words[2] for words in asked if "tag" in words] == ["one", "two"]
    assert all(words[-2:] == [image.reference, image.alias] for words in asked if "tag" in words)


def test_the_pods_image_has_every_name_that_kubeadm_and_the_manifests_ask_for(tmp_path: Path) -> None:
    kubeadm = tmp_path / "kubeadm"
    kubeadm.write_text('#!/bin/sh\nprintf "%s\\n" registry.k8s.io/etcd:3 "$4"\n')
    kubeadm.chmod(0o755)
    assert node_image.names(kubeadm) == [
        "registry.k8s.io/etcd:3",
        f"--kubernetes-version={node_image.version()}",
        node_image.PODS,
    ]
    for name in ("default-cni.yaml", "default-storage.yaml"):
        text = (node_image.SOURCES / "node" / "manifests" / name).read_text()
        images = {
            line.split("image: ")[1].strip(" ,}]").split(",")[0] for line in text.splitlines() if "image: " in line
        }
        assert images == {node_image.PODS}


def test_a_context_has_the_sources_and_nothing_of_an_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "old").touch()
    program = tmp_path / "etcd"
    program.touch()

    node_image.fresh(folder, node_image.SOURCES / "pods")
    node_image.link([program], folder / "programs")
    made = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert made == {"Dockerfile", "entrypoint.sh", "network.sh", "programs", "programs/etcd"}
    assert (folder / "programs" / "etcd").samefile(program)


def test_the_engine_is_apart_from_the_native_cluster() -> None:
    assert not ENGINE.name.startswith(cgroups.NAME)
    assert ENGINE.name.startswith(cgroups.ALL.rstrip("*"))
    assert (DEV_TOOLS / "engine" / "enter.sh").is_file()


@pytest.mark.parametrize(
    ("module", "name", "value", "sentence"),
    [
        (os, "geteuid", lambda: 1000, r"which only root may make: run it as root\."),
        (
            cgroups,
            "missing",
            lambda: "The machine has no cgroups",
            r"has cgroups as the native cluster has them. The machine has no cgroups\.",
        ),
    ],
    ids=["root", "cgroups"],
)
def test_a_machine_that_cannot_have_an_engine_is_told_why(
    module: object, name: str, value: object, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    with pytest.raises(Unsupported, match=sentence):
        OwnKind().check([])
