"""The start program of labs, with the files that a pod brings, and as much of a hub as it asks."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from jlddev.support.paths import CHECKOUT
from jldhub.labs.inside import START, inside_files

INSIDE = CHECKOUT / "hub-extensions" / "jldhub" / "labs" / "inside"
TOKEN = "made-up"


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's API as a lab asks at its start: its version and who the lab is."""

    def do_GET(self) -> None:
        asked: list[tuple[str, str]] = self.server.asked  # type: ignore[attr-defined]
        asked.append((self.path, self.headers.get("Authorization", "")))
        body = json.dumps({"version": "6.1.1", "kind": "user", "name": "ada", "scopes": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def hub_api() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The address of the API, and the list of who asked what: path and Authorization."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    asked: list[tuple[str, str]] = []
    server.asked = asked  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hub/api", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def command() -> list[str]:
    # The tests' machine may be run by root, a lab never is.
    return ["sh", str(INSIDE / START), *(["--allow-root"] if os.geteuid() == 0 else [])]


def environment(directory: Path, api: str, url: str) -> dict[str, str]:
    """What the spawner gives to a lab, with a home and files below `directory`."""
    (directory / "home").mkdir()
    for name, text in {**inside_files(), "hub-token": TOKEN}.items():
        file = directory / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    programs = CHECKOUT / ".venv" / "bin"
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(directory / "home"),
        "JLD_FILES": str(directory / "files"),
        "JUPYTER_RUNTIME_DIR": str(directory / "runtime"),
        "JUPYTERHUB_ACTIVITY_URL": f"{api}/users/ada/activity",
        "JUPYTERHUB_API_URL": api,
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        "JUPYTERHUB_SERVICE_URL": url,
        "JUPYTERHUB_USER": "ada",
    }
