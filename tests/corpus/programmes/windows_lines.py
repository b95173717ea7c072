#> lines() => ['first', '  second', 'third']
def lines():
    text = """first
  second
third"""
    return text.splitlines()
