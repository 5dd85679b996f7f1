"""Which of the Gateway API's files are applied, and that they are the pinned ones. Go itself is not asked here."""

import json
from pathlib import Path

import pytest
from jlddev.support.errors import MachineError
from jlddev.tools import gateway


def download(monkeypatch: pytest.MonkeyPatch, folder: Path, checksum: str) -> None:
    """Let Go say that it put a module into a folder."""
    said = json.dumps({"Version": "v1.6.3", "Dir": str(folder), "Sum": checksum})
    monkeypatch.setattr(gateway, "output", lambda command, env: said)


def test_only_custom_resources_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    standard = tmp_path / "config" / "crd" / "standard"
    standard.mkdir(parents=True)
    for name, kind in {"routes": "CustomResourceDefinition", "policy": "ValidatingAdmissionPolicy"}.items():
        (standard / f"{name}.yaml").write_text(f"kind: {kind}\n")
    _, _, checksum = (gateway.MODULE / "go.sum").read_text().splitlines()[0].split()
    download(monkeypatch, tmp_path, checksum)
    assert gateway.custom_resources() == [standard / "routes.yaml"]


@pytest.mark.parametrize("checksum", ["h1:another=", "", "h1:"])
def test_what_go_sum_does_not_vouch_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checksum: str
) -> None:
    download(monkeypatch, tmp_path, checksum)
    with pytest.raises(MachineError, match=r"is not in .*go\.sum: run `go mod download` there"):
        gateway.custom_resources()
