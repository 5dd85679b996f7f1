"""A hub whose settings were changed starts again with them."""

from jldhub.freshness import watch

watch()
