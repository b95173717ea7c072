#> sink(0) raises RecursionError
def sink(n):
    return sink(n + 1) + 1
