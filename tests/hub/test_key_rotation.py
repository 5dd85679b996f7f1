"""The crypto keys change under people who are logged in."""

import base64
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.values.values_file import render_values

from .browser import Browser
from .conftest import GitHub
from .deployment import Deployment

pytestmark = pytest.mark.slow

JLD = Path(sys.executable).with_name("jld")


class RotatedHub:
    """A hub whose crypto keys are those of a values file, and an operator who rotates them there."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.values = deployment.directory / "values.yaml"
        keys = (deployment.secrets / "cryptKeys").read_bytes()
        self.values.write_bytes(render_values({"hub": {"secret": {"cryptKeys": base64.b64encode(keys).decode()}}}))

    def rotate(self) -> None:
        """`jld rotate`, and what `helm upgrade` does with the result: new files, and a hub that starts with them."""
        subprocess.run([JLD, "rotate", self.values, "--force"], check=True, capture_output=True)
        keys = yaml.safe_load(self.values.read_bytes())["hub"]["secret"]["cryptKeys"]
        (self.deployment.secrets / "cryptKeys").write_bytes(base64.b64decode(keys))

    def restart(self) -> None:
        self.deployment.restart_hub()


@pytest.fixture
def rotated_hub(github: GitHub, deploy: Callable[[dict[str, Any]], Deployment]) -> RotatedHub:
    deployment = deploy({"admins": ["ada"], "adminAccess": True, "github": github.login(allow=["lsst"])})
    deployment.start()
    deployment.wait()
    return RotatedHub(deployment)


@pytest.fixture
async def ada(rotated_hub: RotatedHub) -> AsyncIterator[Browser]:
    async with Browser(rotated_hub.deployment.url) as browser:
        await browser.log_in_with_github("Ada")
        yield browser


async def remembered(browser: Browser, name: str) -> dict[str, Any] | None:
    """What the hub remembers of a log-in, as an administrator reads it."""
    page = await browser.get(f"/hub/api/users/{name}", headers={"Accept": "application/json"})
    assert page.status == 200, page.text
    state: dict[str, Any] | None = yaml.safe_load(page.text)["auth_state"]
    return state


async def test_two_rotations_with_a_visit_between_them_log_nobody_out(rotated_hub: RotatedHub, ada: Browser) -> None:
    before = await remembered(ada, "ada")
    assert before
    assert before["access_token"].startswith("gho_")
    for _ in range(2):
        rotated_hub.rotate()
        rotated_hub.restart()
        page = await ada.get("/hub/home")
        assert (page.status, page.url) == (200, "https://jupyter.example.org/hub/home")
        after = await remembered(ada, "ada")
        assert after
        assert after["access_token"] == before["access_token"]


async def test_whoever_was_not_seen_between_two_rotations_logs_in_again(rotated_hub: RotatedHub, ada: Browser) -> None:
    rotated_hub.rotate()
    rotated_hub.rotate()
    rotated_hub.restart()
    page = await ada.get("/hub/home")
    assert (page.status, page.url.partition("?")[0]) == (200, "https://jupyter.example.org/hub/login")
    assert (await ada.log_in_with_github("Ada")).status == 200
    assert await remembered(ada, "ada")
