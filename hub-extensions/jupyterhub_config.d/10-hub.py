"""The hub process: addresses, database, encryption keys, proxy."""

from jldhub.hub.database import prepare_database
from jldhub.hub.process import hub_config
from jldhub.hub.startup import load
from traitlets.config import Config

settings, secrets = load()
prepare_database(settings, secrets)
c.merge(Config(hub_config(settings, secrets)))
