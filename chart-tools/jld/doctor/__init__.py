"""A look at a cluster and a site together: `probes` gathers facts, `cluster`, `network`, `leftovers` and `log_shipping` make findings of them."""
