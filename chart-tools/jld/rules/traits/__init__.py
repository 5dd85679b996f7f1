"""`hub.traits`, held against what JLD sets itself and against the classes of JupyterHub that read them."""
