"""Keys of Zero to JupyterHub's values, versions 2 to 5, each with its answer: the one source of `jld init`, `jld check` and docs/from-z2jh.md."""
