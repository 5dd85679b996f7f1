"""A Docker Engine of the harness's own, and kind on it, for the tests of machines with Docker."""
