"""What all of the tool uses: errors with a place and a remedy, files, quantities, addresses."""
