#> order() => ['try', 'except', 'finally', 'else', 'finally', 'returned']
def order():
    events = []

    def attempt(fail):
        try:
            events.append("try") if fail else None
            if fail:
                raise ValueError
        except ValueError:
            events.append("except")
        else:
            events.append("else")
        finally:
            events.append("finally")
        return "returned"

    attempt(True)
    events.append(attempt(False))
    return events
