"""The format of each secret, how it is generated and rotated, and certificates."""
