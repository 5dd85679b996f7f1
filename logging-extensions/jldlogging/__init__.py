"""Log shipping of JLD, beside and behind filebeat. The chart mounts this package into containers of the hub's image."""
