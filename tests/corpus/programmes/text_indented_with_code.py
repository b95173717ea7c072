#> usage() => (47, 4, 'usage: tool')
def usage():
    text = """
    usage: tool
        --verbose
    end
    """
    first = text.splitlines()[1]
    return len(text), len(first) - len(first.lstrip()), first.strip()
