"""What the chart hands to the hub, read once and typed."""
