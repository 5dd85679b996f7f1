"""Runs in a pod on the node: `python -m jldhub.images.purger`, with the order in JLD_PURGE and the socket's path in JLD_SOCKET."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jldhub.images.purger.choosing import InvalidOrder, Order
from jldhub.images.purger.client import Runtime, RuntimeUnavailable
from jldhub.images.purger.removing import Disk, Purge, Summary

TERMINATION_LOG = Path("/dev/termination-log")
LARGEST_SUMMARY = 2048  # bytes; the kubelet takes 4096


def disk(path: str = "/") -> Disk:
    """The file system of the container's own root, which is the runtime's: its writable layer is beside the images."""
    found = os.statvfs(path)
    return Disk(found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bavail) * found.f_frsize)


async def run(environment: Mapping[str, str], termination_log: Path = TERMINATION_LOG) -> int:
    """The exit code. Whatever is unexpected ends it: nothing more is removed."""
    summary, trouble = Summary(), ""
    try:
        order = Order.read(environment.get("JLD_PURGE", ""))
        runtime = Runtime(environment["JLD_SOCKET"])
        purge = Purge(order, runtime, disk, lambda line: print(line, flush=True))
        summary = purge.summary
        try:
            await purge.run()
        finally:
            runtime.close()
    except (InvalidOrder, RuntimeUnavailable, OSError) as failure:
        trouble = f"{failure}"
    except KeyError as missing:
        trouble = f"the variable {missing} is missing"
    if trouble:
        print(f"Nothing more is removed: {trouble}", file=sys.stderr, flush=True)
    document = summary.document() | ({"trouble": trouble[:500]} if trouble else {})
    termination_log.write_bytes(packed(document))
    return 1 if trouble else 0


def packed(document: Mapping[str, Any]) -> bytes:
    """Without the last names where it would be too large."""
    names = list(document["names"])
    while True:
        text = json.dumps({**document, "names": names}).encode()
        if len(text) <= LARGEST_SUMMARY or not names:
            return text
        names.pop()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(os.environ)))
