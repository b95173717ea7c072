#> show(3.14159, 2) => "3.14|  3.14|value=3.14159|{3}|'q'|\\d"
def show(value, digits):
    quoted = "q"
    return f"{value:.{digits}f}|{value:{digits + 4}.{digits}f}|{value=}|{{{int(value)}}}|{quoted!r}|" rf"\d"
