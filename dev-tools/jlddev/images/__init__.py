"""JLD's images."""
