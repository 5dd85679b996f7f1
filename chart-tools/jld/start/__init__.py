"""A first site file: from questions, or from a configuration of the original deploy tool."""
