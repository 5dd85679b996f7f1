"""Load by wrk (HTTP/1.1) and h2load (HTTP/2), and what it costs the proxy."""

import json
import re
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from peers import LOAD_CORE, Peer, pinned

SCRIPT = Path(__file__).with_name("request.lua")


@dataclass(frozen=True)
class Scenario:
    """One kind of load. `what` is the last part of the path: `small` (200 bytes) or `large` (1 MB).

    With a pause of some milliseconds before each request every proxy gets as many, and none is at its limit. At their limits the faster
    one finds the programs around it awake, so that its answers are cheaper for the kernel too.
    """

    what: str
    connections: int
    tls: bool = False
    routes: int = 500
    http2: bool = False
    pause: int = 0
    closes: bool = False  # a new connection for each request

    def __str__(self) -> str:
        scheme = "HTTP/2" if self.http2 else "HTTPS" if self.tls else "HTTP"
        size = {"small": "200 bytes", "large": "1 MB"}[self.what]
        pause = f", {self.pause} ms between requests" if self.pause else ""
        fresh = ", a new one for each request" if self.closes else ""
        return f"{scheme}, {size}, {self.connections} connections{fresh}, {self.routes:,} routes{pause}"


@dataclass(frozen=True)
class Sample:
    """One run against one peer."""

    per_second: float  # answers
    cpu: float  # microseconds of the proxy's processor time for one answer
    p99: float | None  # milliseconds; h2load does not tell
    failed: int


def run(peer: Peer, scenario: Scenario, seconds: int) -> Sample:
    before = peer.cpu_seconds()
    done = (with_h2load if scenario.http2 else with_wrk)(peer, scenario, seconds)
    used = peer.cpu_seconds() - before
    return Sample(done.requests / done.seconds, used / max(done.requests, 1) * 1e6, done.p99, done.failed)


@dataclass(frozen=True)
class Done:
    requests: int
    seconds: float
    p99: float | None
    failed: int


def with_wrk(peer: Peer, scenario: Scenario, seconds: int) -> Done:
    url = peer.tls_url if scenario.tls else peer.url
    count = ["--threads", "1", "--connections", str(scenario.connections), "--duration", f"{seconds}s"]
    what = [str(scenario.routes), scenario.what, str(scenario.pause), "close" if scenario.closes else "keep-alive"]
    command = ["wrk", *count, "--timeout", "20s", "--script", str(SCRIPT), url, *what]
    said = json.loads(output(command, seconds).splitlines()[-1])
    return Done(said["requests"], said["microseconds"] / 1e6, said["p99"] / 1000, said["failed"])


def with_h2load(peer: Peer, scenario: Scenario, seconds: int) -> Done:
    """Ten streams a connection, each address in its turn."""
    count = ["--clients", str(scenario.connections), "--max-concurrent-streams", "10", "--duration", str(seconds)]
    urls = [f"{peer.tls_url}/user/{number}/{scenario.what}" for number in range(1, scenario.routes + 1)]
    text = output(["h2load", *count, *urls], seconds)
    good, other = re.search(r"status codes: (\d+) 2xx", text), re.search(r"(\d+) failed, (\d+) errored", text)
    assert good, f"h2load: {text[-400:]}"
    assert other, f"h2load: {text[-400:]}"
    return Done(int(good[1]), seconds, None, int(other[1]) + int(other[2]))


def output(command: list[str], seconds: int) -> str:
    done = subprocess.run(pinned(LOAD_CORE, command), check=False, capture_output=True, text=True, timeout=seconds + 60)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-400:]}{done.stdout[-400:]}"
    return done.stdout


def alternate(peers: list[Peer], scenario: Scenario, seconds: int, rounds: int) -> Iterator[tuple[Peer, Sample]]:
    """Every peer in every round, so that what else this machine does meets all alike."""
    for number in range(rounds):
        turn = number % len(peers)
        for peer in [*peers[turn:], *peers[:turn]]:
            if peer.speaks_http2 or not scenario.http2:
                yield peer, run(peer, scenario, seconds)


def median(samples: list[Sample]) -> Sample:
    """Of each number by itself; failures are added."""
    tails = [sample.p99 for sample in samples if sample.p99 is not None]
    return Sample(
        statistics.median(sample.per_second for sample in samples),
        statistics.median(sample.cpu for sample in samples),
        statistics.median(tails) if tails else None,
        sum(sample.failed for sample in samples),
    )
