"""Programs that the tests and `make` use, in pinned versions."""
