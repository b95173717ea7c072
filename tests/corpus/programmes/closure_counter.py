#> tally(['a', 'b', 'a']) => ({'a': 2, 'b': 1}, 3)
def tally(words):
    total = 0
    counts = {}

    def add(word):
        nonlocal total
        total += 1
        counts[word] = counts.get(word, 0) + 1

    for word in words:
        add(word)
    return counts, total
