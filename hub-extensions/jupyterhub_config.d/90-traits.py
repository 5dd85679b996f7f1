"""What the site sets of JupyterHub's own traits, last."""

from jldhub.hub.startup import load
from jldhub.hub.traits import set_traits

settings, _ = load()
set_traits(c, settings.hub.traits)
