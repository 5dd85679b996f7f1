"""A stand-in for a company's HTTP proxy: it connects for TLS (CONNECT), or refuses with a status, and tells what it was asked for.

    python http_proxy.py --port 3128 --name github.test=10.0.0.5

It knows names that its clients need not know, as such a proxy does. GET `/_control` tells the targets since the last order; POST
`{"status": 403}` makes it refuse from now on, and 200 well again.
"""

import argparse
import asyncio
import contextlib
import json
from collections.abc import Mapping
from types import MappingProxyType

OK = 200
NOBODY: Mapping[str, str] = MappingProxyType({})


class Proxy:
    """`asked` has the target of each CONNECT, as host:port."""

    def __init__(self, status: int = OK, names: Mapping[str, str] = NOBODY) -> None:
        self.status, self.names, self.asked = status, names, list[str]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.partition("\r\n")[0].split()
            if method == "CONNECT":
                await self._connect(target, reader, writer)
            else:
                await self._control(method, head, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _connect(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(target)
        if self.status != OK:
            writer.write(f"HTTP/1.1 {self.status} Refused\r\n\r\n".encode())
            return
        host, _, port = target.rpartition(":")
        to, out = await asyncio.open_connection(
            self.names.get(host, "127.0.0.1" if host == "localhost" else host), int(port)
        )
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(_copy(reader, out), _copy(to, writer))

    async def _control(
        self, method: str, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if method == "POST":
            headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
            self.status = json.loads(await reader.readexactly(int(headers["content-length"])))["status"]
            self.asked.clear()
        body = json.dumps({"asked": self.asked}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
    writer.close()


async def _run(address: str, port: int, names: Mapping[str, str]) -> None:
    async with await asyncio.start_server(Proxy(names=names).serve, address, port):
        print(f"the HTTP proxy listens on {address}:{port}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=3128)
    parser.add_argument("--address", default="")
    parser.add_argument("--name", action="append", default=[], help="NAME=ADDRESS, which the proxy alone knows")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.address, arguments.port, dict(each.split("=", 1) for each in arguments.name)))


if __name__ == "__main__":
    main()
