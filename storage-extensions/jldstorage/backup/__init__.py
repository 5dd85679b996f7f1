"""Backup of volumes and of the hub's database into dated archives, and restore of homes from them.

The chart mounts this package into a container of the hub's image. It imports the standard library only.
"""
