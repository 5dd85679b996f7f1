"""The page's handler. It asks nobody: what it shows is in the file that the controller keeps."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from jldhub.hub.prepull.view import view
from jldhub.labs.menu.nodes_file import NodesFile
from jldhub.settings.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
PATH = "/prepull"


class PrepullPage(BaseHandler):  # type: ignore[misc]
    """For whoever may see JupyterHub's own page for admins."""

    def initialize(self, nodes: NodesFile, log: str) -> None:
        self.nodes, self.log_command = nodes, log

    @web.authenticated
    @needs_scope("admin-ui")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        await self.nodes.refresh()
        arguments = {
            name: values[-1].decode("ascii", "replace") for name, values in self.request.query_arguments.items()
        }
        shown = view(self.nodes.state, datetime.now(UTC), arguments)
        context: dict[str, Any] = {
            "view": shown,
            "is_current": self.nodes.is_current,
            "log_command": self.log_command,
        }
        self.finish(await self.render_template("prepull.html", **context))


def log_command(settings: Settings) -> str:
    """What prints the controller's log. Empty where there is no controller."""
    names = settings.names
    return f"kubectl logs deployment/{names.prepuller} --namespace {names.namespace}" if names.prepuller else ""
