"""The images that labs run: what the tags of a repository mean, and what its registry says."""
