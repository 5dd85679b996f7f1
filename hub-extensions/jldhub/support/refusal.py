"""HTTP errors with a message for people, on JupyterHub's error page and in its API."""

from http.client import responses
from secrets import token_hex

from tornado import web
from tornado.log import app_log

from jldhub.support.metrics import REFUSED


class Refusal(web.HTTPError):
    """A request is refused with `status`, and `sentence` says why and what to do.

    JupyterHub shows `jupyterhub_message` on its error page and in its API. The log has the same text, so that an
    administrator finds it by the reference. `log_message` stays unset: tornado would log it with the whole URL, and the
    URL of a login contains the authorization code.
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
