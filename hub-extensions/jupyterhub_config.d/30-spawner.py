"""The spawner of labs."""

from jldhub.hub.startup import load
from jldhub.labs.secret import git_scopes
from jldhub.labs.spawner import spawner_config
from traitlets.config import Config

settings, _ = load()
c.merge(Config(spawner_config(settings)))
if settings.hub.auth.github:
    c.GitHubOAuthenticator.scope.extend(git_scopes(settings.hub.lab.git.push))
