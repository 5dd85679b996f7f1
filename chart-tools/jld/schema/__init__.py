"""The chart's schema: composed from its parts, and a site's validation against it."""
