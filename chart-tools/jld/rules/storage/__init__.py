"""Rules about files: the volumes, and the NFS server."""
