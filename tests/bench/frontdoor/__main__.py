"""Our nginx and its peers under the same load: `python tests/bench/frontdoor [--quick]`; `make bench-frontdoor` installs what it needs.

Every proxy has one worker on one core; the load and what is behind the proxies have the other. Each load meets every peer in
every round, and medians count. Throughput on a busy machine says little by itself: compare within a row, and look at the
processor time for one answer, which depends far less on what else runs.
"""

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import api
import load
import restart
import sockets
from jlddev.support import debian_packages
from load import Scenario
from peers import LOAD_CORE, LOCAL, TRAEFIK, ApiPeer, Backends, Before, Chp, Ours, Peer, Traefik, listens, pinned
from plain import Logging, Plain, Upstreams
from report import Section, draw, markdown
from rich.console import Console

from tests.hub.processes import Program
from tests.ports import free_port

FEW, MANY = 500, 2000
LIMITS = {
    Plain: "with one fixed backend",
    Upstreams: "with an upstream for each route",
    Logging: "the same, with a log",
}
SMALL = [Scenario("small", connections, tls) for tls in (False, True) for connections in (1, 10, 50, 500)]
HANDSHAKES = [Scenario("small", 50, tls=True, closes=True)]
LARGE = [Scenario("large", connections, tls) for tls in (False, True) for connections in (1, 10, 50)]
HTTP2 = [Scenario("small", 50, tls=True, http2=True)]
CROWD = [Scenario("small", 50, tls, MANY) for tls in (False, True)]
# Some 10,000 answers a second of each proxy that can.
EQUAL = [Scenario("small", 100, tls, MANY, pause=9) for tls in (False, True)]


def main() -> None:
    options = arguments()
    debian_packages.ensure({"wrk": "wrk", "h2load": "nghttp2-client", "taskset": "util-linux"}, "the front door's load")
    assert len(os.sched_getaffinity(0)) > 1, "two cores are needed: one for the proxy, one for the load"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = Path(tempfile.mkdtemp(prefix="jld-bench-"))
    console = Console()
    bench = Bench(folder, options)
    try:
        bench.start()
        for section in bench.sections():
            draw(section, console)
            if options.markdown:
                with options.markdown.open("a") as file:
                    file.write(markdown(section) + "\n")
    finally:
        bench.stop()
        shutil.rmtree(folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-frontdoor", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one second and one round each: does it run at all")
    parser.add_argument("--only", default="", help="loads whose name contains this text")
    parser.add_argument("--markdown", type=Path, help="a file to which the tables are appended")
    options = parser.parse_args()
    options.seconds, options.rounds = (1, 1) if options.quick else (2, 3)
    options.sockets = 200 if options.quick else 1000
    return options


class Bench:
    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.options = options
        certificate = make_certificate(folder)
        self.backends = Backends(folder, MANY)
        self.addresses = self.backends.addresses
        self.echo_port = free_port()
        command = [sys.executable, str(Path(__file__).with_name("sockets.py")), str(self.echo_port)]
        self.echo = Program("echo", pinned(LOAD_CORE, command), {}, folder)
        self.ours = Ours(folder, certificate)
        # Answers of ours for the processor time of one of plain nginx's, for each load.
        self.shares = Section("Our answers, in % of plain nginx's for the same processor time", ("", *LIMITS.values()))
        echo = f"{LOCAL}:{self.echo_port}"
        self.peers: list[Peer] = [
            Plain(folder, certificate, self.addresses[0], echo),
            Upstreams(folder, certificate, self.addresses, echo),
            Logging(folder, certificate, self.addresses, echo),
            self.ours,
            *([Traefik(folder, certificate)] if TRAEFIK.exists() else []),
            Chp(folder, certificate),
            Before(folder, certificate),
        ]

    def start(self) -> None:
        os.sched_setaffinity(0, {int(LOAD_CORE)})
        for program in (self.backends, self.echo):
            program.start()
        self.echo.wait_until(lambda: listens(self.echo_port))
        for peer in self.peers:
            peer.start()

    def stop(self) -> None:
        for peer in self.peers:
            peer.stop()
        self.echo.stop()
        self.backends.stop()

    def sections(self):  # type: ignore[no-untyped-def]
        yield self.socket_memory()
        self.tell(range(FEW))
        yield from self.loads("Small answers", SMALL + HANDSHAKES)
        yield from self.loads("Large answers", LARGE)
        yield from self.loads("HTTP/2", HTTP2)
        yield self.sockets()
        self.tell(range(FEW, MANY))
        yield from self.loads("Many routes", CROWD + EQUAL)
        yield self.table()
        yield self.restarts()
        yield self.shares

    def tell(self, numbers: range) -> None:
        """Route N leads to the Nth backend; the hub's own is told last, as the hub does."""
        routes = {f"/user/{number + 1}": self.addresses[number] for number in numbers}
        for peer in self.peers:
            peer.tell({**routes, "/ws": f"{LOCAL}:{self.echo_port}", "/": self.addresses[0]})
        for peer in self.peers:
            peer.wait_for(f"/user/{numbers[-1] + 1}/small")

    def loads(self, title: str, scenarios: list[Scenario]):  # type: ignore[no-untyped-def]
        for scenario in scenarios:
            if self.options.only not in str(scenario):
                continue
            samples: dict[Peer, list[load.Sample]] = {peer: [] for peer in self.peers}
            for peer, sample in load.alternate(self.peers, scenario, self.options.seconds, self.options.rounds):
                samples[peer].append(sample)
            yield self.compared(scenario, {peer: load.median(found) for peer, found in samples.items() if found})

    def compared(self, scenario: Scenario, found: dict[Peer, load.Sample]) -> Section:
        columns = (
            "",
            "answers/s",
            "times as many by ours",
            "p99 ms",
            "µs of processor each",
            "ours takes % of it",
            "failed",
        )
        section = Section(f"{scenario} (load average {os.getloadavg()[0]:.1f})", columns)
        ours = found[self.ours]
        limits = [sample for peer, sample in found.items() if type(peer) in LIMITS]
        self.shares.rows.append((str(scenario), *(f"{100 * limit.cpu / max(ours.cpu, 0.001):.0f}" for limit in limits)))
        for peer, sample in found.items():
            section.rows.append(
                (
                    peer.name,
                    f"{sample.per_second:,.0f}",
                    f"{ours.per_second / max(sample.per_second, 0.001):.2f}",
                    "" if sample.p99 is None else f"{sample.p99:.1f}",
                    f"{sample.cpu:,.0f}",
                    f"{100 * ours.cpu / max(sample.cpu, 0.001):.0f}",
                    str(sample.failed),
                )
            )
        return section

    def sockets(self) -> Section:
        section = Section(
            f"{self.options.sockets:,} WebSockets, a message at a time over one of them, and its echo",
            ("", "µs of processor for a message", "ours takes % of it", "s until all are open"),
        )
        found: dict[Peer, list[sockets.Sample]] = {peer: [] for peer in self.peers}
        for _ in range(self.options.rounds):
            for peer, samples in found.items():
                samples.append(asyncio.run(sockets.measure(peer, "/ws", self.options.sockets, self.options.seconds)))
        medians = {peer: sockets.median(samples) for peer, samples in found.items()}
        for peer, sample in medians.items():
            share = f"{100 * medians[self.ours].cpu / sample.cpu:.0f}"
            section.rows.append((peer.name, f"{sample.cpu:.0f}", share, f"{sample.connected:.1f}"))
        return section

    def socket_memory(self) -> Section:
        section = Section(f"kB of memory for one of {self.options.sockets:,} WebSockets", ("", "HTTP", "HTTPS"))
        for peer in self.peers:
            cells = []
            for url in (peer.url, peer.tls_url) if peer.speaks_http2 else (peer.url,):
                peer.stop()
                peer.start()
                self.tell(range(1))
                cells.append(f"{asyncio.run(sockets.memory(peer, f'{url}/ws', self.options.sockets)):.0f}")
            section.rows.append((peer.name, *cells, *[""] * (2 - len(cells))))
        return section

    def table(self) -> Section:
        section = Section(
            f"The route table at {MANY:,} routes",
            ("", "add ms (p99)", "delete ms", "list ms", "MB of memory, after all loads"),
        )
        for peer in self.peers:
            times = ("", "", "")
            if isinstance(peer, ApiPeer):
                sample = api.measure(peer, 100 if self.options.quick else 500, self.addresses[0])
                times = (f"{sample.add:.2f} ({sample.add_p99:.2f})", f"{sample.delete:.2f}", f"{sample.list:.1f}")
            section.rows.append((peer.name, *times, f"{peer.memory():.0f}"))
        return section

    def restarts(self) -> Section:
        section = Section(
            f"Killed, and started again at once, with {MANY:,} routes",
            ("", "answers in the first second", "s until a lab answers through it"),
        )
        routes = {f"/user/{number + 1}": address for number, address in enumerate(self.addresses)}
        routes["/"] = self.addresses[0]
        for peer in self.peers:
            sample = restart.measure(peer, routes, f"/user/{MANY}/small", patience=10)
            whole = "not in 10 s" if sample.whole is None else f"{sample.whole:.2f}"
            section.rows.append((peer.name, sample.first_second, whole))
        return section


def make_certificate(folder: Path) -> Path:
    """Key and certificate in one file, as every peer reads them."""
    file = folder / "pair.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(file)]
    command = ["openssl", "req", "-x509", *key, "-subj", "/CN=bench", "-days", "2", "-out", str(file) + ".crt"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


if __name__ == "__main__":
    main()
