"""Login at a provider: the flow that all of them share, running sessions, requests and outages."""
