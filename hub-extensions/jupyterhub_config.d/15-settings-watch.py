"""A hub whose settings were changed starts again with them."""

from jldhub.hub.settings_watch import watch

watch()
