"""Restart the hub when its settings change."""

from jldhub.hub.settings_watch import watch

watch()
