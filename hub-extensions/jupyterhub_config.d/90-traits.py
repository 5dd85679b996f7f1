"""The site's own trait values, last, so that they win."""

from jldhub.hub.startup import load
from jldhub.hub.traits import set_traits

settings, _ = load()
set_traits(c, settings.hub.traits)
