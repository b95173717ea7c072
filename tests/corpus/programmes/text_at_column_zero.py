#> letter('Ada') => 'Dear Ada,\n\n    indented\nthe end\n'
#> count() => (3, 0)
TEMPLATE = """\
Dear {name},

    indented
the end
"""


def letter(name):
    text = TEMPLATE
    return text.format(name=name)


def count():
    # The comment below stands at column 0, as does the text.
    text = """
one
# no comment
"""
# a comment at column 0
    return text.count("\n"), text.find("\n")
