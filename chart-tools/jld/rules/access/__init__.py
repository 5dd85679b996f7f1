"""Who may do what with the hub's REST API: `hub.services` and `hub.roles`."""
