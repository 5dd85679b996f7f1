"""How long the hub waits for a route to be added, removed or listed."""

import http.client
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from peers import LOCAL, ApiPeer, call

from tests.hub.front_door import TOKEN


@dataclass(frozen=True)
class Sample:
    """Milliseconds, with the routes of the table there all the time."""

    add: float
    add_p99: float
    delete: float
    list: float


def measure(peer: ApiPeer, times: int, address: str) -> Sample:
    connection = http.client.HTTPConnection(LOCAL, peer.api_port, timeout=20)
    connection.connect()
    names = [f"/bench/{number}" for number in range(times)]
    added = [timed(lambda name=name: check(call(connection, "POST", name, address) == 201)) for name in names]
    connection.close()
    removed = [timed(lambda name=name: check(call(connection, "DELETE", name) == 204)) for name in names]
    connection.close()
    listed = [timed(lambda: list_routes(connection)) for _ in range(min(times, 50))]
    connection.close()
    p99 = statistics.quantiles(added, n=100)[98]
    return Sample(statistics.median(added), p99, statistics.median(removed), statistics.median(listed))


def timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def check(good: bool) -> None:
    assert good


def list_routes(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/api/routes", headers={"Authorization": f"token {TOKEN}"})
    assert connection.getresponse().read().startswith(b"{")
