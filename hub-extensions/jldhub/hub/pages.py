"""Pages of JLD's that take the place of JupyterHub's own."""

from functools import update_wrapper
from typing import Any

from jldhub.labs.menu.handler import HANDLERS


def with_pages(login_class: type) -> type:
    """The class of a login, which brings these pages too.

    JupyterHub looks for the handler of an address among its authenticator's before its own, and at `extra_handlers` after them.
    """

    class WithPages(login_class):  # type: ignore[misc] # of any class of Authenticator
        def get_handlers(self, app: Any) -> list[Any]:
            return [*HANDLERS, *super().get_handlers(app)]

    update_wrapper(WithPages, login_class, updated=())  # as traits, logs and messages name it
    return WithPages
