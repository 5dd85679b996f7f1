"""Takes events from filebeat, and acknowledges those that the remote broker has confirmed. It keeps nothing of its own."""
