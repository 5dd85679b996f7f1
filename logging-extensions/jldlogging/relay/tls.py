"""The TLS of the relay's server, in which both sides show a certificate. Renewed files count for the next connection."""

import ssl

from jldlogging.relay.settings import Files


class TlsFiles:
    """The context of the files that are there now."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._state: tuple[bytes, ...] = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Made anew when a file has changed. Raises OSError or ssl.SSLError where one is missing or wrong."""
        state = self._files.server_state()
        if self._context is None or state != self._state:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._files.authorities))
            context.verify_mode = ssl.CERT_REQUIRED
            context.verify_flags &= (
                ~ssl.VERIFY_X509_STRICT
            )  # many a private authority lacks extensions that RFC 5280 wants
            context.load_cert_chain(*self._files.server)
            self._context, self._state = context, state
        return self._context
