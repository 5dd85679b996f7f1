"""Rules about how hub, prepuller and labs reach what is outside of the cluster."""
