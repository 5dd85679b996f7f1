"""What a lab is."""

from jldhub.configuration import load
from jldhub.labsecret import git_scopes
from jldhub.spawner import spawner_config
from traitlets.config import Config

settings, _ = load()
c.merge(Config(spawner_config(settings)))
if settings.hub.auth.github:
    c.GitHubOAuthenticator.scope.extend(git_scopes(settings.hub.lab.git.push))
