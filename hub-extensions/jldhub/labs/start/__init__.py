"""A start: its place in the queue, its pod, and the sentence when it fails."""
