"""Configurations of the nginx that are no front door of JLD: what is behind the proxies, and the proxies to compare with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

HEAD = """
{user}
daemon off;
pid {folder}/nginx.pid;
worker_processes 1;
worker_rlimit_nofile 16384;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/plain;
  access_log {log};
"""

# One program that is as many backends as there are routes: each has an address of its own.
BACKEND = """
  sendfile on;
  keepalive_requests 1000000;
  server {{
{listens}
    location ~ /small$ {{ return 200 "{text}"; }}
    location ~ /large$ {{ alias {folder}/large; }}
  }}
}}
"""

PROXY = """
  client_max_body_size 0;
  large_client_header_buffers 4 16k;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
{upstreams}
  server {{
    listen 127.0.0.1:{port};
    {tls}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    {forwarding}
    proxy_read_timeout 1h;
{locations}
  }}
}}
"""
# As a front door for notebooks has to be: nothing is held back.
UNBUFFERED = "proxy_buffering off; proxy_request_buffering off;"
SMALL_ANSWER = "x" * 200
LARGE_ANSWER = 2**20


def tls(address: str, port: int, certificate: Path) -> str:
    """The directives with which a server also speaks TLS at `port`."""
    return (
        f"listen {address}:{port} ssl; http2 on; ssl_certificate {certificate}; ssl_certificate_key {certificate};"
        " ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m;"
    )


def head(folder: Path, user: str, log: str = "off") -> str:
    return HEAD.format(folder=folder, user=user, log=log)


def backend(folder: Path, user: str, addresses: Sequence[str]) -> str:
    """The text of nginx.conf; `addresses` are `host:port`."""
    listens = "\n".join(f"    listen {address};" for address in addresses)
    return head(folder, user) + BACKEND.format(folder=folder, listens=listens, text=SMALL_ANSWER)


def proxy(
    folder: Path,
    user: str,
    port: int,
    tls: str,
    routes: Mapping[str, str],
    keepalive: int,
    forwarding: str = "",
    log: str = "off",
) -> str:
    """The text of nginx.conf of a proxy with an upstream for each route, which keeps `keepalive` connections.

    `routes` are those of nginx: what ends in a slash is a prefix. `forwarding` are more directives, and `log` is what follows `access_log`.
    """
    upstreams, locations = [], []
    for number, (path, address) in enumerate(routes.items()):
        upstreams.append(f"  upstream u{number} {{ server {address}; keepalive {keepalive}; keepalive_timeout 60s; }}")
        locations.append(f"    location {path} {{ proxy_pass http://u{number}; }}")
    return head(folder, user, log) + PROXY.format(
        port=port, tls=tls, upstreams="\n".join(upstreams), locations="\n".join(locations), forwarding=forwarding
    )
