"""A client of image registries: the tags of a repository, their digests, and the platforms of an image."""
