"""The behaviour of JLD's hub: settings, login, labs."""
