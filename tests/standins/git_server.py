"""Stands in for GitHub's git over HTTPS: git's own server, and who may write is asked of the stand-in for GitHub's API.

Everybody may read. Whoever writes shows a token as HTTP Basic, and the API must know it and its right to push.
"""

import argparse
import base64
import os
import ssl
import subprocess
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

PUSH = {"repo", "public_repo"}


class Handler(BaseHTTPRequestHandler):
    root: Path
    api: str

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        writes = "git-receive-pack" in self.path
        person = self._person() if writes else "nobody"
        if not person:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": self.client_address[0],
            **({"REMOTE_USER": person} if writes else {}),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def _person(self) -> str:
        """Whose token it is, if it may write."""
        kind, _, credential = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return ""
        token = base64.b64decode(credential).decode().partition(":")[2]
        request = urllib.request.Request(f"{self.api}/user", headers={"Authorization": f"token {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                scopes = {scope.strip() for scope in answer.headers.get("X-OAuth-Scopes", "").split(",")}
                return "somebody" if scopes & PUSH else ""
        except HTTPError:
            return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--api", required=True, help="where the stand-in for GitHub's API is")
    parser.add_argument("--repository", default="demo.git")
    given = parser.parse_args()
    subprocess.run(["git", "init", "--quiet", "--bare", str(given.root / given.repository)], check=True)
    Handler.root, Handler.api = given.root, given.api
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)
    server = ThreadingHTTPServer(("", given.port), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(f"the git stand-in listens on {given.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
