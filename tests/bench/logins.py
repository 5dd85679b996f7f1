"""Logins in a row, JLD's hub beside a stock JupyterHub with oauthenticator: `python tests/bench/logins.py [LOGINS]`.

Both hubs run at once and take turns of a hundred logins by the same hundred people, through the same stand-in for GitHub: members,
outsiders, and members of a denied organization, which a stock hub knows no rule for. A login's time is that of its two requests to
the hub, with everything that the hub asks GitHub in between. It ends with status 1 when JLD let in the wrong people.
"""

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

import psutil
from rich.console import Console
from rich.table import Table
from yarl import URL

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.hub.browser import Browser
from tests.hub.deployment import SITE, TESTS, Deployment
from tests.hub.processes import Program, answers
from tests.ports import free_port

ROUND = 100
KINDS = {"member": {"lsst": "private"}, "outsider": {}, "denied": {"lsst": "private", "rivals": "private"}}
STOCK = """
c.JupyterHub.hub_bind_url = "http://:{hub_port}"
c.JupyterHub.hub_connect_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{directory}/jupyterhub.sqlite"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "github"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_api_port}"
c.ConfigurableHTTPProxy.auth_token = "{proxy_token}"
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

    def resident(self) -> float:
        assert self.deployment.hub.process is not None
        return float(psutil.Process(self.deployment.hub.process.pid).memory_info().rss) / 2**20


def people(document: dict[str, Any]) -> list[tuple[str, str]]:
    """A hundred logins with their kinds, which are also put into the stand-in's document."""
    kinds = ["member"] * 70 + ["outsider"] * 15 + ["denied"] * 15
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
    async with Browser(measured.deployment.url) as browser:
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


def stock(directory: Path, document: dict[str, Any], github: str) -> Deployment:
    deployment = Deployment(directory, {})
    config = directory / "config" / "jupyterhub_config.py"
    config.write_text(
        STOCK.format(
            hub_port=deployment.hub_port,
            proxy_api_port=deployment.proxy_api_port,
            directory=directory,
            proxy_token=(deployment.secrets / "proxyToken").read_text(),
            crypt_key=(deployment.secrets / "cryptKeys").read_text().partition(";")[0],
            client_id=document["client"]["id"],
            client_secret=document["client"]["secret"],
            site=SITE,
            github=github,
        )
    )
    return deployment


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


def main() -> int:
    logins = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    document = json.loads((TESTS / "standins" / "people.json").read_text())
    everybody = people(document)
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
            asyncio.run(run(hubs, everybody, logins))
        finally:
            for each in reversed(started):
                each.stop()
    Console(width=160).print(table(hubs))
    results = hubs["JLD"].results
    wrong = results["member", False] + results["outsider", True] + results["denied", True]
    print(f"{wrong} of {sum(results.values())} logins at JLD ended wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
