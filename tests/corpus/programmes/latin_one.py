# -*- coding: latin-1 -*-
#> price() => ('5 £', 3)
POUND = "£"


def price():
    text = "5 " + POUND
    return text, len(text)
