"""The hub's log, its metrics, and refusals that people read."""
