"""Metrics of logins, at the hub's /hub/metrics."""

from prometheus_client import Counter, Gauge

RESULTS = ("admitted", "refused", "unavailable")
LOGINS = Counter(
    "jld_logins_total", "Logins by how they ended: admitted, refused or unavailable", ["provider", "result"]
)
OUTAGES = Counter("jld_login_provider_outages_total", "Questions that the login provider did not answer", ["provider"])
PROVIDER_UP = Gauge("jld_login_provider_up", "1 while the login provider answers, 0 since it failed to", ["provider"])
SESSIONS_RETAINED = Counter(
    "jld_sessions_kept_total",
    "Sessions kept on what the provider said last, because it could not be asked",
    ["provider"],
)
SESSIONS_EXPIRED = Counter(
    "jld_sessions_expired_total", "Sessions ended because the provider could not be asked for too long", ["provider"]
)
