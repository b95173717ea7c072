#> primes(30) => [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
import itertools


def numbers():
    yield from itertools.count(2)


def sieve(source):
    while True:
        prime = next(source)
        yield prime
        source = (n for n in source if n % prime)
        yield from sieve(source)
        return


def primes(limit):
    yield from itertools.takewhile(lambda p: p < limit, sieve(numbers()))
