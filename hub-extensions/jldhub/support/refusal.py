"""Refusals that people read: an error page that says why in a sentence."""

from http.client import responses
from secrets import token_hex

from tornado import web
from tornado.log import app_log

from jldhub.support.metrics import REFUSED


class Refusal(web.HTTPError):
    """JupyterHub shows `jupyterhub_message` on its pages and in its API. The log has the same sentence and reference.

    There is no log message: tornado would log it with the whole address, and a login's address holds its code.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, reason=responses[status])  # without it the page is headed "403 : None"
        self.sentence = sentence
        self.reference = token_hex(4)
        self.jupyterhub_message = f"{sentence} (Reference {self.reference})"
        REFUSED.labels(status).inc()
        app_log.warning("Refused with %i: %s", status, self.jupyterhub_message)

    def __str__(self) -> str:
        return f"{self.status_code}: {self.jupyterhub_message}"
