"""Pages of JLD's, beside JupyterHub's own and in the place of some."""

from functools import update_wrapper
from typing import Any

from jldhub.hub.prepull import handler as prepull
from jldhub.labs.menu.handler import HANDLERS
from jldhub.labs.menu.nodes_file import NodesFile


def with_pages(login_class: type, nodes: NodesFile, log_command: str) -> type:
    """The class of a login, which brings these pages too.

    JupyterHub looks for the handler of an address among its authenticator's before its own, and at `extra_handlers` after them.
    """

    class WithPages(login_class):  # type: ignore[misc] # of any class of Authenticator
        def get_handlers(self, app: Any) -> list[Any]:
            own = [*HANDLERS, (prepull.PATH, prepull.PrepullPage, {"nodes": nodes, "log": log_command})]
            return [*own, *super().get_handlers(app)]

    update_wrapper(WithPages, login_class, updated=())  # as traits, logs and messages name it
    return WithPages
