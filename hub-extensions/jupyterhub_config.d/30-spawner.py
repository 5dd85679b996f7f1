"""The spawner of labs, and the page on which they are started."""

from jldhub.hub.pages import with_pages
from jldhub.hub.startup import load, stop
from jldhub.labs.secret import git_scopes
from jldhub.labs.spawner import spawner_config
from jldhub.settings.settings import SettingsError
from traitlets.config import Config

settings, _ = load()
try:
    c.merge(Config(spawner_config(settings)))
except SettingsError as error:
    stop(error.sentences)
c.JupyterHub.authenticator_class = with_pages(c.JupyterHub.authenticator_class)
if settings.hub.auth.github:
    c.GitHubOAuthenticator.scope.extend(git_scopes(settings.hub.lab.git.push))
