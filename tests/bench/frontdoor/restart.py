"""What people meet when the proxy was killed and is started again at once, with the hub's part in filling it."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from jldhub.front_door.proxy import FrontDoor
from peers import LOCAL, Ours, Peer

from tests.hub.front_door import TOKEN

EVERY = 0.01


@dataclass(frozen=True)
class Sample:
    first_second: str  # the answers of the first second after the kill, by what they were
    whole: float | None  # seconds until a lab answered through it; None: not within the time given


def measure(peer: Peer, routes: dict[str, str], path: str, patience: float) -> Sample:
    with filled_by_the_hub(peer, routes):
        peer.kill()
        killed = time.monotonic()
        starter = threading.Thread(target=peer.start)
        starter.start()
        answers: Counter[str] = Counter()
        whole = None
        while whole is None and time.monotonic() < killed + patience:
            status = peer.status(path)
            now = time.monotonic() - killed
            if now < 1:
                answers[str(status or "no connection")] += 1
            if status == 200:
                whole = now
            time.sleep(EVERY)
        starter.join()
    said = ", ".join(f"{what} {count} times" for what, count in answers.most_common())
    return Sample(said + (", then 200" if whole is not None and whole < 1 else ""), whole)


@contextlib.contextmanager
def filled_by_the_hub(peer: Peer, routes: dict[str, str]) -> Iterator[None]:
    """Our hub looks after our nginx. JupyterHub's own looks after a proxy that it did not start every five minutes."""
    if not isinstance(peer, Ours):
        yield
        return
    loop = asyncio.new_event_loop()
    refill = threading.Thread(target=loop.run_forever)
    refill.start()
    proxy = asyncio.run_coroutine_threadsafe(begin(f"{LOCAL}:{peer.api_port}", routes), loop).result(60)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        refill.join()


async def begin(api: str, routes: dict[str, str]) -> FrontDoor:
    """The hub's proxy class, with its routes and without a hub around it."""
    proxy = FrontDoor(apis=[api], auth_token=TOKEN)
    proxy._wanted = {path: {"target": f"http://{address}", "jupyterhub": True} for path, address in routes.items()}
    proxy._complete = True
    await proxy.start()
    while not any(replica.filled for replica in proxy.replicas):
        await asyncio.sleep(0.05)
    return proxy
