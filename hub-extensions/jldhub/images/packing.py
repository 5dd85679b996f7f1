"""Documents in a ConfigMap: the JSON of a model, compressed."""

import gzip
import io
import zlib
from typing import TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def pack(document: str, largest: int, error: type[ValueError]) -> bytes:
    """The content of the file: the same for the same document. Raises `error` for one of more than `largest` bytes."""
    packed = gzip.compress(document.encode(), mtime=0)
    if len(packed) > largest:
        raise error(f"{len(packed)} bytes are more than the {largest} that a ConfigMap holds of it")
    return packed


def unpack(packed: bytes, model: type[Model], largest: int, error: type[ValueError]) -> Model:
    """The document of a file. Raises `error` for what cannot be read, and for more than `largest` bytes without compression."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            document = file.read(largest + 1)
        if len(document) > largest:
            raise error(f"it is larger than {largest} bytes")
        return model.model_validate_json(document)
    except (OSError, EOFError, zlib.error, ValueError) as mistake:
        raise error(f"it cannot be read: {' '.join(str(mistake).split())[:200]}") from mistake
