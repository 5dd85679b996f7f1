"""The hub process: addresses, database, keys, front door."""

from jldhub.configuration import load, wait_for_database
from jldhub.hub import hub_config
from traitlets.config import Config

settings, secrets = load()
wait_for_database(secrets)
c.merge(Config(hub_config(settings, secrets)))
