"""User namespaces: a Kubernetes namespace for each person's labs."""
