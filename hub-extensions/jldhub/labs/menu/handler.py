"""The page's own handler: a link to it chooses, and never starts."""

from typing import Any

from jupyterhub.handlers.pages import SpawnHandler, default_handlers

from jldhub.labs.menu.page import Preselection, preselection

_KEPT = frozenset({"next", "display_name"})  # JupyterHub's own arguments


class StartPage(SpawnHandler):
    """JupyterHub's page, but for a link with arguments.

    JupyterHub would start a lab at once with what stands in the link, whoever made it. Here it is what is preselected.
    """

    preselected = Preselection()

    def get(self, user_name: str | None = None, server_name: str = "") -> Any:
        arguments = {
            name: values[-1].decode("utf-8", "replace") for name, values in self.request.query_arguments.items()
        }
        self.preselected = preselection(arguments)
        for name in arguments.keys() - _KEPT:
            del self.request.query_arguments[name]
        return super().get(user_name, server_name)


# JupyterHub asks its authenticator first for handlers.
HANDLERS = [(path, StartPage) for path, handler in default_handlers if handler is SpawnHandler]
