"""A stand-in for Firefly: its port, its path, its pages, its WebSocket and its folders, started as the image of IPAC starts.

    PATH_PREFIX=/portal python entrypoint.py [--port 8080] [--address 0.0.0.0]

Needs tornado and nothing else. `/_standin` below its path tells what it was given, without the password itself.
"""

import argparse
import asyncio
import hashlib
import json
import os
import socket
import uuid
from pathlib import Path

from tornado import web, websocket

NAME = os.environ.get("HOSTNAME") or socket.gethostname()


class Page(web.RequestHandler):
    def get(self, *_: str) -> None:
        self.set_header("Content-Type", "text/html")
        self.write("<!DOCTYPE html><title>Firefly stand-in</title><h1>Firefly stand-in</h1>")


class Health(web.RequestHandler):
    def get(self) -> None:
        self.write({"status": "good"})


class Events(websocket.WebSocketHandler):
    """Greets as Firefly does, with the number of the connection, and gives back what it gets."""

    def open(self, *_: str) -> None:
        channel = self.get_query_argument("channelID", str(uuid.uuid4()))
        data = {"connID": str(uuid.uuid4()), "channel": channel, "pod": NAME}
        self.write_message(json.dumps({"name": "EVT_CONN_EST", "scope": "SELF", "data": data}))

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


class Told(web.RequestHandler):
    """What it was given, and whether it may write where it must."""

    def get(self) -> None:
        given = {name: os.environ.get(name, "") for name in ("JAVA_OPTS", "PATH_PREFIX", "VISUALIZE_FITS_SEARCH_PATH")}
        password = os.environ.get("PROPS_ADMIN_PASSWORD", "")
        work_area = os.environ.get("PROPS_shared__work__directory", "")  # noqa: SIM112 - as the image reads it
        digest = hashlib.sha256(password.encode()).hexdigest()
        self.write({**given, "pod": NAME, "uid": os.getuid(), "passwordDigest": digest, "workArea": work_area})

    def post(self) -> None:
        """Open a file of the search path, by its path, as a lab asks for."""
        file = Path(self.get_body_argument("file")).resolve()
        folders = os.environ.get("VISUALIZE_FITS_SEARCH_PATH", "").split(":")
        if not any(folder and file.is_relative_to(folder) for folder in folders):
            raise web.HTTPError(403)
        self.write({"pod": NAME, "text": file.read_text()})


def application(prefix: str) -> web.Application:
    base = f"{prefix.rstrip('/')}/firefly"
    return web.Application(
        [
            (f"{base}/sticky/firefly/events", Events),
            (f"{base}/_standin", Told),
            (f"{base}/healthz", Health),
            (f"{base}/(slate.html|firefly.html)?", Page),
        ]
    )


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--address", default="")
    options = parser.parse_args()
    # Where the image unpacks its application and keeps its files.
    for folder in os.environ.get("STAND_IN_WRITES", "").split():
        (Path(folder) / ".standin").write_text("written")
    application(os.environ.get("PATH_PREFIX", "")).listen(options.port, options.address)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
