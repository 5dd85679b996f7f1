"""Logins, JLD's hub beside a stock JupyterHub with oauthenticator: `python tests/bench/logins.py [LOGINS] [--at-once]`.

Both hubs run at once and take turns of a hundred logins by the same hundred people, through the same stand-in for GitHub: members,
outsiders, and members of a denied organization, which a stock hub knows no rule for. A login's time is that of its two requests to
the hub, with everything that the hub asks GitHub in between. It ends with status 1 when JLD let in the wrong people.

With --at-once all of them come in the same moment, to one hub after the other, and each of GitHub's answers takes 150 ms.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table
from yarl import URL

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.stock import stock_hub
from tests.hub.browser import Browser
from tests.hub.deployment import SITE, TESTS, Deployment
from tests.hub.processes import Program, answers
from tests.ports import free_port

ROUND = 100
SLOW = 0.15  # seconds of each of GitHub's answers with --at-once
KINDS = {"member": {"lsst": "private"}, "outsider": {}, "denied": {"lsst": "private", "rivals": "private"}}
STOCK = """
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "github"
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [bytes.fromhex("{crypt_key}")]
c.GitHubOAuthenticator.client_id = "{client_id}"
c.GitHubOAuthenticator.client_secret = "{client_secret}"
c.GitHubOAuthenticator.oauth_callback_url = "{site}/hub/oauth_callback"
c.GitHubOAuthenticator.github_url = "{github}"
c.GitHubOAuthenticator.github_api = "{github}/api/v3"
c.GitHubOAuthenticator.allowed_organizations = {{"lsst"}}
c.GitHubOAuthenticator.scope = ["user:email", "read:org"]
"""


@dataclass
class Measured:
    deployment: Deployment
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)  # MiB after each round
    results: Counter[tuple[str, bool]] = field(default_factory=Counter)
    elapsed: float = 0  # seconds of all logins at once
    processor: float = 0  # seconds of the hub's own work for them

    def resident(self) -> float:
        assert self.deployment.hub.process is not None
        return float(psutil.Process(self.deployment.hub.process.pid).memory_info().rss) / 2**20

    def worked(self) -> float:
        assert self.deployment.hub.process is not None
        times = psutil.Process(self.deployment.hub.process.pid).cpu_times()
        return float(times.user + times.system)


def people(document: dict[str, Any], number: int) -> list[tuple[str, str]]:
    """So many logins with their kinds, which are also put into the stand-in's document."""
    kinds = (["member"] * 14 + ["outsider"] * 3 + ["denied"] * 3) * (number // 20)
    document["people"] = [
        {
            "login": f"{kind}-{n}",
            "id": 6000000 + n,
            "name": f"Person {n}",
            "email": f"{kind}-{n}@example.org",
            "organizations": KINDS[kind],
        }
        for n, kind in enumerate(kinds)
    ]
    return [(person["login"], kind) for person, kind in zip(document["people"], kinds, strict=True)]


async def log_in(measured: Measured, login: str, kind: str) -> None:
    async with Browser(measured.deployment.url, patience=600) as browser:
        start = time.perf_counter()
        there = (await browser.get("/hub/oauth_login", follow=False)).headers["Location"]
        first = time.perf_counter() - start
        back = await browser.get(str(URL(there, encoded=True).update_query(login=login)), follow=False)
        start = time.perf_counter()
        page = await browser.get(back.headers["Location"], follow=False)
        measured.seconds.append(first + time.perf_counter() - start)
        measured.results[kind, page.status == 302] += 1


async def run(hubs: dict[str, Measured], everybody: list[tuple[str, str]], logins: int) -> None:
    for _ in range(max(1, logins // ROUND)):
        for measured in hubs.values():
            for login, kind in everybody:
                await log_in(measured, login, kind)
            measured.memory.append(measured.resident())


async def run_at_once(hubs: dict[str, Measured], everybody: list[tuple[str, str]], github: str) -> None:
    async with aiohttp.ClientSession() as session:
        await session.post(f"{github}/_control", json={"mode": "slow", "seconds": SLOW})
    for measured in hubs.values():
        worked, start = measured.worked(), time.perf_counter()
        await asyncio.gather(*(log_in(measured, login, kind) for login, kind in everybody))
        measured.elapsed = time.perf_counter() - start
        measured.processor = measured.worked() - worked


def stock(directory: Path, document: dict[str, Any], github: str) -> Deployment:
    client = document["client"]
    config = STOCK.format(
        crypt_key="cd" * 32, client_id=client["id"], client_secret=client["secret"], site=SITE, github=github
    )
    return stock_hub(directory, config)


def table(hubs: dict[str, Measured]) -> Table:
    shown = Table(
        "hub", "logins/s", "median", "p99", "memory after round 2", "at the end", "let in: member / outsider / denied"
    )
    for name, measured in hubs.items():
        p99 = statistics.quantiles(measured.seconds, n=100)[98]
        let_in = " / ".join(f"{measured.results[kind, True]}" for kind in KINDS)
        shown.add_row(
            *(name, f"{len(measured.seconds) / sum(measured.seconds):.1f}"),
            *(f"{statistics.median(measured.seconds) * 1000:.0f} ms", f"{p99 * 1000:.0f} ms"),
            *(f"{measured.memory[min(1, len(measured.memory) - 1)]:.1f} MiB", f"{measured.memory[-1]:.1f} MiB", let_in),
        )
    return shown


def table_at_once(hubs: dict[str, Measured]) -> Table:
    shown = Table("hub", "logins/s", "hub CPU a login", "slowest", "let in: member / outsider / denied")
    for name, measured in hubs.items():
        logins = measured.results.total()
        let_in = " / ".join(f"{measured.results[kind, True]}" for kind in KINDS)
        shown.add_row(
            *(name, f"{logins / measured.elapsed:.1f}", f"{measured.processor / logins * 1000:.0f} ms"),
            *(f"{max(measured.seconds):.1f} s", let_in),
        )
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logins", type=int, nargs="?", default=1000, help="rounded to hundreds")
    parser.add_argument("--at-once", action="store_true")
    options = parser.parse_args()
    logins = options.logins
    document = json.loads((TESTS / "standins" / "people.json").read_text())
    everybody = people(document, logins if options.at_once else ROUND)
    port = free_port()
    github = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "people.json").write_text(json.dumps(document))
        program = [sys.executable, str(TESTS / "standins" / "github.py"), "--address", "127.0.0.1", "--port", str(port)]
        standin = Program("github", [*program, "--people", str(directory / "people.json")], {}, directory)
        rules = {"allow": ["lsst"], "deny": ["rivals"]}
        auth = {"clientId": document["client"]["id"], "url": github, "organizations": rules}
        ours = Deployment(directory / "jld", {"admins": [], "github": auth})
        hubs = {
            "JLD": Measured(ours),
            "stock JupyterHub, oauthenticator": Measured(stock(directory / "stock", document, github)),
        }
        started: list[Any] = [standin, *(measured.deployment for measured in hubs.values())]
        try:
            for each in started:
                each.start()
            standin.wait_until(lambda: answers(f"{github}/_control"))
            for measured in hubs.values():
                measured.deployment.wait()
            asyncio.run(run_at_once(hubs, everybody, github) if options.at_once else run(hubs, everybody, logins))
        finally:
            for each in reversed(started):
                each.stop()
    Console(width=160).print(table_at_once(hubs) if options.at_once else table(hubs))
    results = hubs["JLD"].results
    wrong = results["member", False] + results["outsider", True] + results["denied", True]
    print(f"{wrong} of {sum(results.values())} logins at JLD ended wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
