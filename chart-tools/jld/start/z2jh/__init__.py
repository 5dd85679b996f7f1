"""A site file from values of Zero to JupyterHub."""
