"""JLD's metrics of labs and refusals, at /hub/metrics beside JupyterHub's own."""

from prometheus_client import Counter, Gauge

# What an Obstacle's `reason` may be. Told from the hub's start on: Prometheus sees no increase in a counter that appears with
# its first count.
REASONS = (
    *("container", "crashed", "ended", "evicted", "flaw", "full", "home", "image", "invalid"),
    *("kubernetes", "line", "memory", "namespace", "nodes", "preparation", "program", "quota"),
    *("refused", "registry", "removed", "room", "silent", "size", "timeout", "volume"),
)
WAITING = Gauge("jld_starts_waiting", "Labs that wait in line for their start")
FAILED = Counter("jld_failed_starts", "Labs that did not start, by reason", ["reason"])
for _reason in REASONS:
    FAILED.labels(_reason)
ADOPTED = Counter("jld_adopted_pods", "Labs whose creation timed out and had succeeded nevertheless")
REFUSED = Counter("jld_refusals", "Logins and choices that were refused, by HTTP status", ["status"])
WATCHES_REVIVED = Counter("jld_watches_revived", "Watches of pods or events that had given up and were begun anew")
