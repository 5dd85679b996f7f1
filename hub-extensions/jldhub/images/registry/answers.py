"""What an answer of a registry has to be, before anything is read from it."""

import json
from typing import Any

from jldhub.images.registry.errors import ImageUnknown, RegistryAnswerUnusable
from jldhub.images.registry.transport import Answer

NO_REGISTRY = "See whether the image's reference names a registry, and what a proxy before it answers"


def expected(answer: Answer, place: object) -> Answer:
    """The answer, if it is a good one. Raises ImageUnknown and RegistryAnswerUnusable."""
    if answer.status == 404:
        raise ImageUnknown(
            place,
            "the registry does not have it",
            "Name one that it has, or give a login with a pull Secret: some hide what is not public",
        )
    if answer.status != 200:
        raise RegistryAnswerUnusable(place, f"the registry answers {answer.status}", NO_REGISTRY)
    return answer


def document(answer: Answer, place: object) -> dict[str, Any]:
    """Its JSON. Raises RegistryAnswerUnusable."""
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        kind = "a web page" if "html" in answer.headers.get("Content-Type", "") else "what is no JSON object"
        raise RegistryAnswerUnusable(place, f"the registry answers with {kind}", NO_REGISTRY)
    return content
