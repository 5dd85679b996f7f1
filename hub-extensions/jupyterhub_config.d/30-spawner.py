"""The spawner of labs, and the page on which they are started."""

from jldhub.hub.pages import with_pages
from jldhub.hub.prepull import handler as prepull
from jldhub.hub.startup import load, stop
from jldhub.labs.secret import git_scopes
from jldhub.labs.spawner import spawner_config
from jldhub.settings.settings import SettingsError
from traitlets.config import Config

settings, _ = load()
try:
    config = spawner_config(settings)
except SettingsError as error:
    stop(error.sentences)
c.merge(Config(config))
c.JupyterHub.template_paths.append(str(prepull.TEMPLATES))
c.JupyterHub.authenticator_class = with_pages(
    c.JupyterHub.authenticator_class, config["GuardedSpawner"]["images"].nodes, prepull.log_command(settings)
)
if settings.hub.auth.github:
    c.GitHubOAuthenticator.scope.extend(git_scopes(settings.hub.lab.git.push))
