"""A client of image registries: the tags of a repository, their digests, and how much is pulled of an image."""
