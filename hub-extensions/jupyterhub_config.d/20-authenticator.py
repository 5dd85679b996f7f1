"""Login and administrators."""

from jldhub.hub.startup import load, stop
from jldhub.login.configuration import admin_roles, authenticator_config
from jldhub.settings.settings import SettingsError
from traitlets.config import Config

settings, secrets = load()
try:
    c.merge(Config(authenticator_config(settings, secrets)))
except SettingsError as error:
    stop(error.sentences)
c.JupyterHub.load_roles.extend(admin_roles(settings))
