"""JLD's metrics of labs and refusals, at /hub/metrics beside JupyterHub's own."""

from prometheus_client import Counter, Gauge

WAITING = Gauge("jld_starts_waiting", "Labs that wait in line for their start")
FAILED = Counter("jld_failed_starts", "Labs that did not start, by reason", ["reason"])
ADOPTED = Counter("jld_adopted_pods", "Labs whose creation timed out and had succeeded nevertheless")
REFUSED = Counter("jld_refusals", "Logins and choices that were refused, by HTTP status", ["status"])
WATCHES_REVIVED = Counter("jld_watches_revived", "Watches of pods or events that had given up and were begun anew")
