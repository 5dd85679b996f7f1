"""Labs: the spawner, the pod and its Secret, the menu before a start, the spawn queue, and user namespaces."""
