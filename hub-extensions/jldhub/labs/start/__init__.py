"""The start of a lab: the spawn queue, the creation of the pod, and the message when it fails."""
