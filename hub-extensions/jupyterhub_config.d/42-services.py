"""The site's own services and roles."""

from jldhub.hub.services import scope_faults, scopes_of_everybody, site_roles, site_services
from jldhub.hub.startup import load, stop

settings, secrets = load()
if faults := scope_faults(settings):
    stop(faults)
c.JupyterHub.services.extend(site_services(settings, secrets))
c.JupyterHub.load_roles.extend(site_roles(settings))
c.JupyterHub.extra_user_scopes.update(scopes_of_everybody(settings))
