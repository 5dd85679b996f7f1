"""JupyterHub's own configuration: process, database, services and traits."""
