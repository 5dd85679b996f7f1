"""JupyterHub itself: its process, database, services, and traits."""
