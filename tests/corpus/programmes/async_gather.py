#> main(3) => [0, 1, 4]
import asyncio


async def square(x):
    await asyncio.sleep(0)
    return x * x


async def main(n):
    return await asyncio.gather(*(square(x) for x in range(n)))
