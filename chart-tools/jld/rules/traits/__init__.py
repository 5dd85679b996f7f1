"""`hub.traits`, compared with what is not left to a site, and validated by the classes of JupyterHub that read them."""
