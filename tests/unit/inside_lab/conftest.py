"""A home with a clone, and git without the machine's configuration."""

import os
from pathlib import Path

import pytest

from tests.unit.inside_lab.world import World


@pytest.fixture(autouse=True)
def own_git_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the machine's."""
    config = tmp_path / "gitconfig"
    config.write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n[core]\n\tfsync = none\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
