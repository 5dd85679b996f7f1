"""JupyterHub's proxy: the route tables of nginx's replicas."""
