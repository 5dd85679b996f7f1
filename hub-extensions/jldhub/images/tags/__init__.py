"""What the tags of a repository mean: their classes, their order, their labels. Pure functions; nothing here asks a registry."""
