"""What is installed in the hub's image, made into the table that the rules read: only `jld installed` imports these modules."""
