"""The hub process: addresses, database, encryption keys, proxy."""

from jldhub.hub.database import wait_for_database
from jldhub.hub.process import hub_config
from jldhub.hub.startup import load
from traitlets.config import Config

settings, secrets = load()
wait_for_database(secrets)
c.merge(Config(hub_config(settings, secrets)))
