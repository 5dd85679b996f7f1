"""The menu before a lab starts: its size and further options."""
