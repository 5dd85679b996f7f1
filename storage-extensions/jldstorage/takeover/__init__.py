"""Takes homes of Zero to JupyterHub over: copies each into the home of its person in JLD, under the person's own UID.

A recipe mounts this package and `jldstorage.backup` into a container of the hub's image. It imports the standard library only.
"""
