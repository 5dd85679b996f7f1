"""What the site sets of JupyterHub's own traits, last."""

from jldhub.configuration import load
from jldhub.traits import set_traits

settings, _ = load()
set_traits(c, settings.hub.traits)
