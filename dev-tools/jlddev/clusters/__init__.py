"""Local clusters: kind, or the native node."""
