"""JupyterHub's proxy class, which maintains the route tables of nginx's replicas."""
