"""The site's own trait values, last, so that they win."""

from jldhub.hub.startup import load, stop
from jldhub.hub.traits import set_traits, trait_faults

settings, _ = load()
if faults := trait_faults(settings.hub.traits):
    stop(faults)
set_traits(c, settings.hub.traits)
