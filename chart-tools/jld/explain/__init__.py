"""What each key means, in the words of a person."""
