"""Who may log in, as whom, and with which groups."""
