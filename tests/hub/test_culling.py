"""Idle labs are stopped by the real culler, and labs that are used or that compute are not."""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websocket import create_connection

from tests.ports import free_port

from .lab_program import INSIDE
from .labs import LabHub
from .labs import Program as Client
from .processes import Program, answers

pytestmark = pytest.mark.slow

# The shortest time-out that is accepted, in a fifteenth of the time, and the delay at the hub's start too.
QUICK = """
shorter = {"100": "7", "--timeout=300": "--timeout=20", "--cull-every=150": "--cull-every=10"}
for service in c.JupyterHub.services.get_value([]):
    if service["name"] == "idle-culler":
        assert shorter.keys() <= set(service["command"]), service
        service["command"] = [shorter.get(word, word) for word in service["command"]]
"""
KERNEL_TOKEN = "5e" * 16


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LabHub]:
    hub = LabHub(tmp_path, ["alice", "bob"], QUICK)
    hub.change_settings(lambda document: document["hub"].update(culling={"idleTimeout": "5m", "maxAge": "0s"}))
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


async def test_an_idle_lab_is_stopped_and_a_used_one_is_not(hub: LabHub) -> None:
    async with Client(hub.deployment.url) as client:
        for name in ("alice", "bob"):
            assert await client.start_lab(name) in (201, 202)
            await client.until_ready(name)
        async with asyncio.timeout(90):
            while (await client.server("alice")).get("ready"):
                now = datetime.now(UTC).isoformat()
                await client.ask(
                    "POST", "users/bob/activity", {"servers": {"": {"last_activity": now}}, "last_activity": now}
                )
                await asyncio.sleep(1)
        assert (await client.server("bob"))["ready"]
    assert "pods/jld-lab-alice" in hub.kubernetes.told()["deleted"]
    assert "pods/jld-lab-bob" not in hub.kubernetes.told()["deleted"]
    # The culler is a process of its own, whose log has the same form.
    lines = [json.loads(line) for line in hub.log.splitlines() if line.startswith("{")]
    assert [line["level"] for line in lines if "Culling server alice" in line["message"]] == ["INFO"]
    assert "pycurl" not in hub.log


class JupyterServer:
    """A lab's server with JLD's extensions, as a program of this machine."""

    def __init__(self, directory: Path, **env: str) -> None:
        self.port = free_port()
        words = [
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--allow-root",
            "--no-browser",
            f"--IdentityProvider.token={KERNEL_TOKEN}",
        ]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.program = Program(
            "jupyter",
            [sys.executable, "-m", "jupyter_server", *words, "--JldActivity.seconds=0.2", "--port-retries=0"],
            {"JUPYTER_CONFIG_PATH": str(INSIDE / "jupyter"), "JLD_FILES": str(INSIDE), "PATH": path, **env},
            directory,
        )

    def start(self) -> None:
        self.program.start()
        self.program.wait_until(lambda: answers(f"http://127.0.0.1:{self.port}/api?token={KERNEL_TOKEN}"))

    def ask(self, path: str, document: object = None) -> dict[str, str]:
        body = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"token {KERNEL_TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, str] = json.load(answer)
            return found

    def compute(self, code: str) -> None:
        """Start a kernel and let it work; return when it is busy."""
        kernel = self.ask("kernels", {"name": "python3"})["id"]
        url = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels?token={KERNEL_TOKEN}"
        socket = create_connection(url, timeout=60)
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "x", "username": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        socket.send(json.dumps(message))
        while json.loads(socket.recv())["msg_type"] != "execute_input":
            pass
        socket.close()


@pytest.mark.parametrize(("env", "counts"), [({}, True), ({"JLD_BUSY_IS_IDLE": "1"}, False)])
def test_a_silent_computation_counts_as_activity_unless_told(tmp_path: Path, env: dict[str, str], counts: bool) -> None:
    server = JupyterServer(tmp_path, **env)
    try:
        server.start()
        server.compute("import time; time.sleep(300)")
        before = {server.ask("status")["last_activity"] for _ in range(1)}
        for _ in range(20):
            asyncio.run(asyncio.sleep(0.2))
            before.add(server.ask("status")["last_activity"])
        # Without the extension the moments are that of the kernel's last message and, once, that of the request before.
        assert (len(before) > 5) == counts, before
    finally:
        server.program.stop()
