"""The line in which starts wait."""

import asyncio

import pytest
from jldhub.labs.start.queue import QueuePlace, SpawnQueue


async def test_places_are_given_in_the_order_of_coming() -> None:
    line, came = SpawnQueue(1), []
    places = [QueuePlace(line) for _ in range(4)]

    async def start(number: int) -> None:
        await places[number].take()
        came.append(number)
        await asyncio.sleep(0)
        places[number].leave()

    await asyncio.gather(*(start(number) for number in range(4)))
    assert came == [0, 1, 2, 3]


async def test_no_more_are_inside_than_there_are_places() -> None:
    line, inside, most = SpawnQueue(3), 0, 0

    async def start() -> None:
        nonlocal inside, most
        place = QueuePlace(line)
        await place.take()
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1
        place.leave()

    await asyncio.gather(*(start() for _ in range(50)))
    assert most == 3


async def test_each_knows_how_many_are_ahead() -> None:
    line = SpawnQueue(1)
    first, second, third = (QueuePlace(line) for _ in range(3))
    await first.take()
    waiting = [asyncio.create_task(place.take()) for place in (second, third)]
    await asyncio.sleep(0)
    assert [place.ahead for place in (first, second, third)] == [None, 0, 1]
    for task in waiting:
        task.cancel()


async def test_whoever_gives_up_takes_no_place_along() -> None:
    line = SpawnQueue(1)
    first, second, third = (QueuePlace(line) for _ in range(3))
    await first.take()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.take(), 0.01)
    second.leave()
    first.leave()
    first.leave()  # twice is once
    await asyncio.wait_for(third.take(), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(QueuePlace(line).take(), 0.01)
