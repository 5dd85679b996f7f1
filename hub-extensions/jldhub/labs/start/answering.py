"""Whether a lab whose pod runs answers."""

import asyncio

_SECONDS = 5.0  # for a connection within the cluster


async def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there: a fraction of what an HTTP request costs, for a lab that is not up yet."""
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
