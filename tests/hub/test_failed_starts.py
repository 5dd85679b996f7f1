"""A start that fails ends in a page with cause, remedy, what Kubernetes said, and a reference that the log has too."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .browser import Browser, xsrf
from .deployment import PASSWORD
from .labs import LabHub

pytestmark = pytest.mark.slow

IMAGE = "localhost/jld/lab:0.1.0"

WAITS = {"phase": "Pending", "containerStatuses": []}


def lab_waits(reason: str, message: str) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    container = {"name": "notebook", "image": IMAGE, "restartCount": 0, "ready": False, "state": state}
    return {"phase": "Pending", "containerStatuses": [container]}


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [condition]}


def home_ended(message: str) -> dict[str, Any]:
    ended = {"exitCode": 1, "reason": "Error", "message": message}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    container = {"name": "home", "image": "", "restartCount": 2, "ready": False, "state": state}
    return {"phase": "Pending", "initContainerStatuses": [container | {"lastState": {"terminated": ended}}]}


def lab_ended(code: int, message: str) -> dict[str, Any]:
    """A lab that ran, ended, was started again and ended, as often as Kubernetes may try; with code 0 it does not."""
    ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}
    container = {"name": "notebook", "image": IMAGE, "restartCount": 2 if code else 0, "ready": False}
    state = {"state": {"terminated": ended}, "lastState": {"terminated": ended}}
    return {"phase": "Running" if code else "Succeeded", "containerStatuses": [container | state]}


LIMIT = (
    'pods "jld-lab-x" is forbidden: [maximum cpu usage per Container is 2, but limit is 4, '
    "maximum memory usage per Container is 4Gi, but limit is 8Gi]"
)
QUOTA = (
    'pods "jld-lab-x" is forbidden: exceeded quota: jld-lab, requested: limits.cpu=1, used: limits.cpu=8, '
    "limited: limits.cpu=8"
)
MOUNT = {"reason": "FailedMount", "type": "Warning", "message": 'MountVolume.SetUp failed for volume "home": timed out'}

# person: what the cluster does with their lab, what the page says, what Kubernetes said, the HTTP status
ROWS: dict[str, tuple[dict[str, Any], str, str, int]] = {
    "image": (
        {"status": lab_waits("ErrImagePull", f"failed to resolve {IMAGE}: not found")},
        f"The image {IMAGE} does not exist, or this cluster may not read it.",
        "ErrImagePull: failed to resolve",
        500,
    ),
    "quota": (
        {"refuse": {"code": 403, "message": QUOTA}},
        "The labs of this site use all that they may use together (limits.cpu 1 more would exceed the quota jld-lab).",
        "403 pods",
        429,
    ),
    "room": (
        {"status": unscheduled("0/3 nodes are available: 3 Insufficient memory.")},
        "No node of the cluster has room for a lab of this size just now. Choose a smaller size.",
        "Unschedulable: 0/3 nodes are available: 3 Insufficient memory.",
        429,
    ),
    "volume": (
        {"status": WAITS, "events": [MOUNT]},
        "A volume that the lab needs could not be mounted, such as the home directories.",
        'FailedMount: MountVolume.SetUp failed for volume "home"',
        500,
    ),
    "slow": (
        {"status": WAITS, "events": [{"reason": "Scheduled", "message": "Successfully assigned"}]},
        "The lab did not start within 8 seconds.",
        "Scheduled: Successfully assigned",
        500,
    ),
    "home": (
        {"status": home_ended("home directory refused: /homes/home is a link")},
        "Your home directory could not be made ready. Tell an administrator of this site.",
        "home directory refused: /homes/home is a link",
        500,
    ),
    "full": (
        {
            "status": home_ended(
                "home directory refused: /homes/full: No space left on device; an administrator must remove files"
            )
        },
        "Your home directory, or the disk that it is on, is full.",
        "No space left on device",
        500,
    ),
    "large": (
        {"refuse": {"code": 403, "message": LIMIT}},
        "The cluster takes no lab above cpu 2. Choose a smaller size",
        "403 pods",
        400,
    ),
    "crashed": (
        {"crash": lab_ended(1, "ImportError: no module named jupyterlab")},
        "The lab's program ended right after its start.",
        "notebook ended with exit code 1 (Error): ImportError: no module named jupyterlab",
        500,
    ),
    "ended": (
        {"status": lab_ended(0, "usage: start.sh")},
        "The lab's program ended by itself.",
        "notebook ended with exit code 0: usage: start.sh",
        500,
    ),
    "gone": ({"vanish": True}, "The lab was taken away while it started", "", 500),
    "hostile": (
        {"status": lab_waits("ErrImagePull", "<script>alert(1)</script> not found")},
        "does not exist",
        "ErrImagePull: <script>alert(1)</script> not found",
        500,
    ),
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]) -> Iterator[LabHub]:
    describe_level(
        "hub",
        "JupyterHub and its proxy or nginx; PostgreSQL; stand-ins: GitHub, Kubernetes' API with its nodes and labs",
    )
    hub = LabHub(tmp_path_factory.mktemp("failed"), ["alice", "fine", "orphan", *ROWS], lab={"startTimeout": "8s"})
    try:
        hub.start()
        for name, (order, *_) in ROWS.items():
            hub.kubernetes.order(name=f"lab-{name}", **order)
        hub.kubernetes.order(name="lab-orphan", later=16)
        yield hub
    finally:
        hub.stop()


async def outcome(browser: Browser, name: str) -> Any:
    """What the page says when the start is over."""
    for _ in range(100):
        page = await browser.get(f"/hub/spawn-pending/{name}")
        if "failed" in page.sentence or page.url.endswith(f"/user/{name}/"):
            return page
        await asyncio.sleep(0.2)
    raise AssertionError(page.sentence)


@pytest.mark.parametrize("name", ROWS)
async def test_the_page_says_why_and_the_log_has_its_reference(hub: LabHub, name: str) -> None:
    _, sentence, says, status = ROWS[name]
    async with Browser(hub.deployment.url) as browser:
        page = await browser.log_in(name, PASSWORD)
        page = await browser.post(f"/hub/spawn/{name}", {**xsrf(page), "profile": "small"})
        if "failed" not in page.sentence and status not in (page.status,):
            page = await outcome(browser, name)
        assert page.status == status, page.sentence  # and none for which the front door has its own page
        assert sentence in page.sentence
        assert says in page.sentence
        assert "<script>alert(1)" not in page.text
        found = re.search(r"Reference (?:for an administrator: )?([0-9a-f]{8})", page.sentence)
        assert found, page.sentence
        lines = [line for line in hub.log.splitlines() if found[1] in line]
        assert any("starts (reference" in line for line in lines)
        assert any(f"{name} did not start" in line and sentence in line for line in lines)
        again = await browser.get("/hub/home")
        assert again.status == 200


async def test_the_api_and_the_stream_of_events_say_the_same(hub: LabHub) -> None:
    async with Browser(hub.deployment.url) as browser:
        await browser.log_in("quota", PASSWORD)
        page = await browser.post_json("/hub/api/users/quota/server", {"profile": "small"})
        assert page.status == 429
        message = json.loads(page.text)["message"]
        assert message.startswith("The labs of this site use all that they may use together")
        assert re.search(r"\(Reference [0-9a-f]{8}\)$", message)
        events = await browser.get("/hub/api/users/quota/server/progress")
        assert message in events.text.replace('\\"', '"')


async def test_a_failed_start_leaves_no_pod_and_harms_nobody_else(hub: LabHub) -> None:
    async with Browser(hub.deployment.url) as browser:
        page = await browser.log_in("fine", PASSWORD)
        page = await browser.post("/hub/spawn/fine", {**xsrf(page), "profile": "small"})
        page = await outcome(browser, "fine")
        assert page.status == 200
    told = hub.kubernetes.told()
    assert told["made"]["pods/jld-lab-fine"] == 1
    assert told["deleted"].keys() >= {"pods/jld-lab-image", "pods/jld-lab-room"}
    # One Secret for the lab that runs, with one request, and none of a start that was refused or failed.
    (secret,) = hub.kubernetes.objects("secrets")
    assert re.fullmatch("jld-lab-fine-[0-9a-f]{8}", secret["metadata"]["name"])
    assert told["asked"][f"secrets/{secret['metadata']['name']}"] == 1
    assert not [name for name in told["asked"] if name.startswith("secrets/jld-lab-quota")]


async def test_a_pod_that_is_made_after_its_start_failed_is_deleted(hub: LabHub) -> None:
    """The request to make it was on its way when the start ended, and no watch has shown it."""
    async with Browser(hub.deployment.url) as browser:
        page = await browser.log_in("orphan", PASSWORD)
        await browser.post("/hub/spawn/orphan", {**xsrf(page), "profile": "small"}, follow=False)
        assert "did not start within 8 seconds" in (await outcome(browser, "orphan")).sentence
    async with asyncio.timeout(60):
        while not hub.kubernetes.told()["made"].get("pods/jld-lab-orphan"):
            await asyncio.sleep(0.2)
        while any(pod["metadata"]["name"] == "jld-lab-orphan" for pod in hub.kubernetes.pods()):
            await asyncio.sleep(0.2)


def test_the_log_holds_no_lab_token_even_when_a_pod_is_refused(hub: LabHub) -> None:
    """KubeSpawner writes the whole pod into the log when the API server refuses it."""
    assert "JUPYTERHUB_API_TOKEN" not in hub.log
