"""Go from PATH, or its pinned toolchain from a module proxy: a server of this test's that gives a small archive."""

import hashlib
import io
import os
import platform
import shutil
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from jlddev.support import lock
from jlddev.support.errors import MachineError, Unsupported
from jlddev.tools import go

NAME = f"v0.0.1-go{go.VERSION}.linux-amd64"


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as members:
        for file in ("bin/go", "pkg/tool/linux_amd64/compile", "src/unsafe/unsafe.go"):
            members.writestr(f"{go.MODULE}@{NAME}/{file}", "#!/bin/sh\necho compiled\n")
    return content.getvalue()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of x86-64 without Go, and without a cache."""
    for module in (go, lock):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return tmp_path / "cache"


@pytest.fixture
def proxy(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with the toolchain's files of a module proxy."""
    folder = tmp_path / "proxy" / go.MODULE / "@v"
    folder.mkdir(parents=True)
    (folder / f"{NAME}.info").write_text("{}")
    (folder / f"{NAME}.zip").write_bytes(archive())
    monkeypatch.setattr(go, "SHA256", {"amd64": hashlib.sha256(archive()).hexdigest()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path / "proxy"))
    monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{server.server_port},direct")
    Thread(target=server.serve_forever, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A go on PATH that says this version."""

    def make(version: str) -> Path:
        program = tmp_path / "go"
        program.write_text(
            f'#!/bin/sh\ncase $2 in GOVERSION) echo {version} ;; *) echo "https://proxy.example" ;; esac\n'
        )
        program.chmod(0o755)
        monkeypatch.setattr(shutil, "which", lambda _: str(program))
        return program

    return make


@pytest.mark.parametrize("version", ["go1.26", "go1.26.8", "go1.27rc1", "go2.0"])
def test_a_go_that_is_new_enough_is_used(version: str, older: Callable[[str], Path]) -> None:
    wanted = older(version)
    assert go.program() == wanted


@pytest.mark.parametrize("version", ["", "go1.19.8", "go1.9", "go1.25.3", "devel"])
def test_without_one_the_pinned_toolchain_comes_from_the_proxy(
    version: str, cache: Path, proxy: Path, older: Callable[[str], Path]
) -> None:
    if version:
        older(version)
    go.require("It is compiled")
    program = go.program()
    assert program == cache / f"go-{go.VERSION}" / "bin" / "go"
    assert os.access(program, os.X_OK)
    assert os.access(program.parents[1] / "pkg" / "tool" / "linux_amd64" / "compile", os.X_OK)
    (proxy / f"{NAME}.zip").unlink()
    assert go.program() == program  # and not again


def test_another_archive_than_the_pinned_one_is_not_used(cache: Path, proxy: Path) -> None:
    (proxy / f"{NAME}.zip").write_bytes(archive() + b"more")
    with pytest.raises(MachineError, match=r"has sha256 .*: the module was changed; do not use it"):
        go.program()
    assert [path for path in cache.rglob("*") if path.is_file() and path.parent.name != "locks"] == []


@pytest.mark.parametrize(
    ("proxies", "why"),
    [
        ("", "GOPROXY names no module proxy"),
        ("off", "GOPROXY names no module proxy"),
        ("direct", "GOPROXY names no module proxy"),
        ("http://person:secret@127.0.0.1:1", "does not give it"),
        ("http://127.0.0.1:1|http://127.0.0.1:2,direct", "does not give it: .*refused"),
        ("http://[", "does not give it: ValueError"),
    ],
)
@pytest.mark.usefixtures("cache")
def test_where_no_proxy_gives_it_that_is_said_before_anything_is_made(
    proxies: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", proxies)
    with pytest.raises(
        Unsupported, match=f"It is compiled, and there is no Go .*{why}.*install Go 1.26 or newer"
    ) as told:
        go.require("It is compiled")
    assert "secret" not in str(told.value)


def test_an_old_go_is_named(older: Callable[[str], Path], cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older("go1.19.8")
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(Unsupported, match=r"go1\.19\.8 is too old for it"):
        go.require("It is compiled")


@pytest.mark.usefixtures("proxy")
def test_a_machine_that_no_toolchain_is_pinned_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(Unsupported, match="knows no toolchain for riscv64"):
        go.require("It is compiled")
