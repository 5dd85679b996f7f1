"""A stock JupyterHub behind configurable-http-proxy, as a peer that JLD's hub is measured beside."""

import sys
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.hub.deployment import Deployment
from tests.hub.processes import Program, answers, proxy_command
from tests.ports import free_port

TOKEN = "12" * 32
HUB = """
c.JupyterHub.hub_bind_url = "http://:{hub_port}"
c.JupyterHub.hub_connect_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{directory}/jupyterhub.sqlite"
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "{proxy_api}"
c.ConfigurableHTTPProxy.auth_token = "{token}"
"""


class StockProxy(Program):
    """configurable-http-proxy, with what `Deployment` asks of a front door."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        port, api_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.api = f"127.0.0.1:{api_port}"
        self.api_url = f"http://{self.api}"
        options = ["--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1", "--api-port", str(api_port)]
        command = [*proxy_command(), *options, "--log-level", "error"]
        super().__init__("proxy", command, {"CONFIGPROXY_AUTH_TOKEN": TOKEN}, directory)

    def start(self) -> None:
        super().start()
        self.wait_until(lambda: answers(f"{self.url}/_chp_healthz"))


class StockDeployment(Deployment):
    """A hub with its proxy, which answers 404 until the hub has told its own route."""

    def wait(self) -> None:
        self.hub.wait_until(lambda: status(f"{self.url}/hub/health") == 200)


def status(url: str) -> int:
    try:
        return httpx.get(url).status_code
    except httpx.TransportError:
        return 0


def stock_hub(directory: Path, config: str) -> Deployment:
    """A hub with `config` and nothing of JLD's."""
    proxy = StockProxy(directory.with_name(f"{directory.name}-proxy"))
    deployment = StockDeployment(directory, {"admins": ["alice"], "dummy": {"users": ["alice"]}}, doors=[proxy])  # type: ignore[list-item]
    for path in deployment.operator_config.parent.glob("*.py"):
        path.unlink()
    facts = {"hub_port": deployment.hub_port, "proxy_api": proxy.api_url, "token": TOKEN, "directory": directory}
    (directory / "config" / "jupyterhub_config.py").write_text(HUB.format(**facts) + config)
    deployment.hub.env["JUPYTERHUB_CRYPT_KEY"] = "ab" * 32
    return deployment
