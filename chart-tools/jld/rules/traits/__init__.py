"""`hub.traits`, compared with what JLD sets itself, and validated by the classes of JupyterHub that read them."""
