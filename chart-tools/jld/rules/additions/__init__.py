"""What a site adds to the pods of the hub and of labs: variables, files, volumes, containers and hooks."""
