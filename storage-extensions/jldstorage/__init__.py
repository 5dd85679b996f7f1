"""What JLD's storage does in a cluster. Runs in the hub's image, mounted by the chart."""
