"""When a lab is stopped because nobody uses it."""

from jldhub.configuration import load
from jldhub.culling import culling_roles, culling_services

settings, _ = load()
c.JupyterHub.services.extend(culling_services(settings))
c.JupyterHub.load_roles.extend(culling_roles(settings))
