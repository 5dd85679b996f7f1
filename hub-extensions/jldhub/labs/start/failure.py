"""The exception of a lab that did not start, as JupyterHub's pages, API and log show it."""

from html import escape

from jupyterhub.spawner import SpawnException

from jldhub.labs.obstacle import Obstacle

# HTTP status by reason, else 500. 429 as in JupyterHub where its own limits are reached: a retry may succeed. Never 502
# to 504, for which the front door shows its own page about a hub that does not answer.
_STATUS = {"quota": 429, "room": 429, "line": 429, "size": 400}


class StartFailed(SpawnException):
    """A lab did not start. JupyterHub's pages show the HTML message; its API and the log have the text."""

    def __init__(self, why: Obstacle, reference: str) -> None:
        detail = f" Kubernetes says: {why.detail}" if why.detail else ""
        text = f"{why.sentence}{detail} (Reference {reference})"
        html = f"{escape(why.sentence)}</p>" + (
            f'<p class="text-body-secondary">Kubernetes says: <code>{escape(why.detail)}</code></p>'
            if why.detail
            else ""
        )
        html += f'<p class="text-body-secondary">Reference for an administrator: <code>{escape(reference)}</code>'
        super().__init__(text, reason=why.reason, message_html=html, status_code=_STATUS.get(why.reason, 500))
        self.jupyterhub_message, self.jupyterhub_html_message = text, html
