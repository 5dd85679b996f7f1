"""What filebeat tells of itself, over HTTP."""

import http.client
import json

_PATIENCE = 5.0  # seconds: Prometheus itself waits for 10
_MOST = 1 << 20  # bytes: filebeat tells some thousands
_REMEDY = "`kubectl logs` of the container filebeat says why"


class FilebeatAway(Exception):
    """filebeat tells nothing. The text is a sentence."""


def statistics(host: str, port: int) -> dict[str, object]:
    """The object at filebeat's /stats. Raises FilebeatAway."""
    place = f"filebeat's statistics at {host}:{port}/stats"
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/stats")
        answer = connection.getresponse()
        body = answer.read(_MOST)
    except (OSError, http.client.HTTPException) as error:
        raise FilebeatAway(f"{place}: no answer ({error or type(error).__name__}); {_REMEDY}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise FilebeatAway(f"{place}: HTTP status {answer.status}; {_REMEDY}")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FilebeatAway(f"{place}: the answer is no JSON; {_REMEDY}") from error
    if not isinstance(told, dict):
        raise FilebeatAway(f"{place}: the answer is JSON, but no object; {_REMEDY}")
    return told
