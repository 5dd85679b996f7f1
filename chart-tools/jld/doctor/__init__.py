"""A look at a cluster and a site together: `probes` gathers facts, `cluster`, `network` and `leftovers` make findings of them."""
