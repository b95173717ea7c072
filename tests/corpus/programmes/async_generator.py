#> evens(7) => [0, 2, 4, 6]
import asyncio


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def evens(n):
    async for i in ticks(n):
        if i % 2 == 0:
            yield i
