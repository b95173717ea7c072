#> greet() => 'Grüße, Zoë'
NAME = "Zoë"


def greet():
    return "Grüße, " + NAME
