"""What stands behind the Makefile: tools, images, local clusters."""
