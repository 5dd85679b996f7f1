"""What people choose before a lab starts."""
