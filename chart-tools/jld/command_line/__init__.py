"""What commands share: options, exit codes, lines for a person or JSON for a program."""
