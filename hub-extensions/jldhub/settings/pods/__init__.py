"""What a site adds to pods."""
