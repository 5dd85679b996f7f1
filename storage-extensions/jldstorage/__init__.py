"""Hooks and probes of JLD's storage. The chart mounts this package into containers of the hub's image."""
