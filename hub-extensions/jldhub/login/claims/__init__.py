"""Login with a provider that sends claims: its values, the groups among them, and the flow."""
