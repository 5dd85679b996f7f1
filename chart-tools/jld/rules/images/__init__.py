"""What labs are made of: the images of the list, those of them whose tags are followed, and typed ones."""
