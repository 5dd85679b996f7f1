"""Who may read the hub's numbers."""

from jldhub.configuration import load
from jldhub.scraping import scraping_roles, scraping_services

_, secrets = load()
c.JupyterHub.services.extend(scraping_services(secrets))
c.JupyterHub.load_roles.extend(scraping_roles(secrets))
