"""What a lab is, and how it starts."""
