"""The hub's log, its metrics, and refusals with a message for people."""
