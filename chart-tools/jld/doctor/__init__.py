"""A look at a cluster and a site together: `gather` asks, `cluster`, `leftovers` and `network` judge what was answered."""
