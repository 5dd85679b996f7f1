"""Scraping of metrics."""

from jldhub.hub.prometheus import scraping_roles, scraping_services
from jldhub.hub.startup import load

_, secrets = load()
c.JupyterHub.services.extend(scraping_services(secrets))
c.JupyterHub.load_roles.extend(scraping_roles(secrets))
