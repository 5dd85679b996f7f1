"""Programs that the tests and `make` call, with their versions pinned."""
