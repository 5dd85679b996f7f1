"""The controller: it asks registries for the tags and digests of `hub.lab.images`, and hands over what they answer as the catalogue."""
