"""The most frequent words of the text beside this file.

    hoist run tests/workflows/wordcount.py::count
    hoist run tests/workflows/wordcount.py::count --args 'top=3, shortest=6'
"""

import re
from collections import Counter
from pathlib import Path

TEXT = Path(__file__).parent / "tides.txt"
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def words(text):
    return WORD.findall(text.lower())


def count(top=5, shortest=4):
    text = TEXT.read_text(encoding="utf-8")
    found = words(text)
    print(f"{len(found)} words, {len(set(found))} different ones, in {len(text.splitlines())} lines")
    longest = max(found, key=len)
    print(f"the longest is {longest!r}")
    return Counter(word for word in found if len(word) >= shortest).most_common(top)


print("This line is not needed by count, so it does not run on a target.")
