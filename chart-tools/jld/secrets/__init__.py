"""What each secret must look like, how one is made and rotated; certificates."""
