"""Which of others' custom resources are applied, and that they are the pinned ones. Go itself is not asked here."""

import json
import shutil
from pathlib import Path

import pytest
from jlddev.support.errors import MachineError, Unsupported
from jlddev.tools import custom_resources, go
from jlddev.tools.custom_resources import CERT_MANAGER, GATEWAY_API, PROMETHEUS_OPERATOR, Published

EACH = pytest.mark.parametrize(
    "published", [GATEWAY_API, CERT_MANAGER, PROMETHEUS_OPERATOR], ids=lambda each: each.module
)


def pinned(published: Published) -> tuple[str, str]:
    """Version and checksum of its go.sum."""
    _, version, checksum = (published.pinned / "go.sum").read_text().splitlines()[0].split()
    return version, checksum


def download(monkeypatch: pytest.MonkeyPatch, folder: Path, version: str, checksum: str) -> None:
    """Let Go say that it put a module into a folder."""
    said = json.dumps({"Version": version, "Dir": str(folder), "Sum": checksum})
    monkeypatch.setattr(go, "on_path", lambda: Path("/usr/bin/go"))
    monkeypatch.setattr(custom_resources, "output", lambda command, env: said)


@EACH
def test_only_custom_resources_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, published: Published) -> None:
    folder = tmp_path / published.folder
    folder.mkdir(parents=True)
    wanted, policy, other = folder / f"x{published.ends[0]}", folder / f"policy{published.ends[0]}", folder / "x.txt"
    for file, kind in ((wanted, "CustomResourceDefinition"), (policy, "ValidatingAdmissionPolicy"), (other, "x")):
        file.write_text(f"kind: {kind}\n")
    download(monkeypatch, tmp_path, *pinned(published))
    assert custom_resources.custom_resources(published) == [wanted]


@EACH
@pytest.mark.parametrize("checksum", ["h1:another=", "", "h1:"])
def test_what_go_sum_does_not_vouch_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, published: Published, checksum: str
) -> None:
    download(monkeypatch, tmp_path, pinned(published)[0], checksum)
    with pytest.raises(MachineError, match=r"is not in .*go\.sum: run `go mod download` there"):
        custom_resources.custom_resources(published)


def test_without_go_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(go, "toolchain", lambda: Path("/no/such/go"))
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(Unsupported, match=r"is a Go module, and there is no Go .*: install Go"):
        custom_resources.custom_resources(GATEWAY_API)
