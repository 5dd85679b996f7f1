"""Requests that leave the cluster, for logins and to registries: whom they trust, and the HTTP proxy of the environment.

Both are `global` of the values: `certificateAuthorities` is a file that the chart mounts, and `proxy` the variables HTTPS_PROXY and
NO_PROXY.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

AUTHORITIES = "ca.crt"  # the name of the file


def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """Trusts what the system trusts, and the authorities in the file. Raises OSError for a file without certificates."""
    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(authorities)
    return context


def site_authorities(folder: Path) -> str:
    """The site's authorities in PEM form; empty where it names none."""
    try:
        text = (folder / AUTHORITIES).read_text("utf-8")
    except FileNotFoundError:
        return ""
    return text if text.strip() else ""


def has_proxy() -> bool:
    return bool(getproxies().get("https"))


def proxy_for(url: str) -> str | None:
    """The proxy through which this address is asked."""
    address = urlsplit(url)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)


def obstacle(failure: BaseException, url: str) -> tuple[str, str] | None:
    """Cause and remedy, where what failed is trust or the proxy; the text of an exception may hold a proxy's password."""
    host, proxy = urlsplit(url).hostname or url, urlsplit(proxy_for(url) or "")
    past = f"name {host} in global.proxy.except"
    match failure:
        case ssl.SSLCertVerificationError():
            return _untrusted(host, failure)
        case aiohttp.ClientConnectorCertificateError():
            return _untrusted(failure.host, failure.certificate_error)
        case aiohttp.ClientProxyConnectionError():
            remedy = f"See whether {proxy.hostname}:{proxy.port} runs, correct global.proxy.https, or {past}"
            return "the HTTP proxy cannot be reached", remedy
        case aiohttp.ClientHttpProxyError():
            remedy = f"Allow it at {proxy.hostname}:{proxy.port}, or {past}"
            return f"the HTTP proxy refuses to connect to {host} ({failure.status})", remedy
        case _:
            return None


def _untrusted(host: str, error: Exception) -> tuple[str, str]:
    reason = getattr(error, "verify_message", "") or "it is not for this name"
    remedy = f"Write the authority that signed it into global.certificateAuthorities, or correct the name {host}"
    return f"the certificate of {host} is not trusted ({reason})", remedy
