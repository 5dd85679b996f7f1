"""Login and administrators."""

import sys

from jldhub.hub.startup import load
from jldhub.login.configuration import admin_roles, authenticator_config
from traitlets.config import Config

settings, secrets = load()
try:
    c.merge(Config(authenticator_config(settings, secrets)))
except LookupError as error:
    sys.exit(f"The hub does not start:\n{error}")
c.JupyterHub.load_roles.extend(admin_roles(settings))
