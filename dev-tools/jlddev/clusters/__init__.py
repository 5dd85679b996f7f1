"""Local clusters: kind, or the native nodes."""
