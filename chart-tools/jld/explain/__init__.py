"""What each key means, as text for people."""
