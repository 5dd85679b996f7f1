"""The hub's settings and secrets, which the chart mounts: parsed and validated once."""
