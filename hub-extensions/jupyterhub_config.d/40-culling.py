"""Culling of idle labs."""

from jldhub.hub.culling import culling_roles, culling_services
from jldhub.hub.startup import load

settings, _ = load()
c.JupyterHub.services.extend(culling_services(settings))
c.JupyterHub.load_roles.extend(culling_roles(settings))
