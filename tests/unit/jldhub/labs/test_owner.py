"""The ServiceAccount that owns the labs: asked once for a burst of starts, and never remembered for long."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from jldhub.labs import owner
from jldhub.labs.owner import service_account_uid
from kubernetes_asyncio.client import ApiException


class Accounts:
    """The API: each answer has another UID, as if the account had been made again since."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuse = False

    async def read_namespaced_service_account(self, name: str, namespace: str) -> SimpleNamespace:
        self.asked.append(f"{namespace}/{name}")
        await asyncio.sleep(0)
        if self.refuse:
            raise ApiException(status=404)
        return SimpleNamespace(metadata=SimpleNamespace(uid=f"uid-{len(self.asked)}"))


async def ask(api: Any, namespace: str = "jld") -> str:
    return await service_account_uid(api, "jld-lab", namespace)


async def test_labs_that_start_together_ask_once() -> None:
    api = Accounts()
    assert set(await asyncio.gather(*(ask(api) for _ in range(50)))) == {"uid-1"}
    assert await ask(api, "jld-ada") == "uid-2"
    assert api.asked == ["jld/jld-lab", "jld-ada/jld-lab"]


async def test_an_account_that_was_made_again_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the UID of the earlier one the garbage collector would take the lab at once."""
    monkeypatch.setattr(owner, "_SECONDS", 0.0)
    api = Accounts()
    assert [await ask(api), await ask(api)] == ["uid-1", "uid-2"]


async def test_a_refusal_is_not_remembered() -> None:
    api = Accounts()
    api.refuse = True
    with pytest.raises(ApiException):
        await ask(api)
    api.refuse = False
    assert await ask(api) == "uid-2"


async def test_a_start_that_is_cancelled_does_not_disturb_the_others() -> None:
    api = Accounts()
    first, second = (asyncio.ensure_future(ask(api)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "uid-1"
