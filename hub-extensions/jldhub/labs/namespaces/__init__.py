"""A namespace for each person's labs."""
