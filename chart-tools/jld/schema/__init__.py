"""The chart's schema: composed from its parts, and held against a site."""
