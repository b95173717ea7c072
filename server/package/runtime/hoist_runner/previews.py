"""Small previews of values whose repr says too little or too much: arrays, frames, series, figures.

Nothing is imported for it: a value can only be of a class of numpy, pandas or matplotlib when these are in sys.modules. What
the value says of itself does not count, only whose class it is.
"""
import sys

from .values import clean, said, type_name

MOST = 12  # previews
MOST_PARTS = 1000  # that are looked at
ROWS, COLUMNS = 10, 12
LISTED_COLUMNS = 50
CELL = 40  # characters, as those below
LINE = 240
TEXT = 4000
NAME = 200
ELEMENTS = 240  # of an array
BYTES = 1 << 20  # of these elements


def of(value, figures, home):
    """The field previews of the result: of the value, or of what lies in it one level down."""
    found = []
    for at, part in parts(value):
        try:
            preview = one(part, figures)
        except BaseException as error:
            preview = {"kind": "none", "problem": said(error)}
        if preview is not None:
            found.append(dict(preview, at=clip(at, NAME), type=type_name(type(part), home)))
            if len(found) == MOST:
                break
    return found


def parts(value):
    yield "", value
    kind = type(value)
    if issubclass(kind, dict):
        count = 0
        for key, part in dict.items(value):
            yield "[%s]" % brief_repr(key), part
            count += 1
            if count == MOST_PARTS:
                return
    elif issubclass(kind, (list, tuple)):
        base = list if issubclass(kind, list) else tuple
        for index, part in enumerate(base.__getitem__(value, slice(MOST_PARTS))):
            yield "[%d]" % index, part


def one(value, figures):
    kind = type(value)
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if is_of(kind, numpy, "ndarray"):
        return array(value, numpy)
    if is_of(kind, pandas, "DataFrame"):
        return frame(value, pandas)
    if is_of(kind, pandas, "Series"):
        return series(value, pandas)
    if is_of(kind, sys.modules.get("matplotlib.figure"), "Figure") and figures is not None:
        name = figures.keep(value)
        if name is not None:
            return {"kind": "figure", "figure": "figures/" + name}
    return None


def is_of(kind, module, name):
    wanted = getattr(module, name, None)
    return isinstance(wanted, type) and issubclass(kind, wanted)


def array(value, numpy):
    preview = {"kind": "array"}
    masked = is_of(type(value), sys.modules.get("numpy.ma"), "MaskedArray")
    # Of subclasses the data: what they print may be anything.
    plain = value if masked else numpy.ndarray.view(value, numpy.ndarray)
    preview["shape"] = [int(length) for length in plain.shape]
    preview["dtype"] = clip(str(plain.dtype), NAME)
    counts = head_of(preview["shape"], int(plain.dtype.itemsize))
    head = plain[tuple(slice(count) for count in counts)] if counts else plain
    preview["cut"] = counts != preview["shape"]

    def text():
        if masked:
            return str(head)
        shown = {"object": cell, "numpystr": cell, "void": cell}
        return numpy.array2string(head, max_line_width=100, threshold=ELEMENTS + 1, formatter=shown)

    return with_text(preview, text)


def head_of(shape, itemsize):
    """How much of each axis is shown."""
    counts, left = [], ELEMENTS
    for back, length in enumerate(reversed(shape)):
        most = (2 * COLUMNS if len(shape) == 1 else COLUMNS, ROWS)[back] if back < 2 else 2
        count = min(length, most, max(left, 1))
        left //= max(count, 1)
        # Each row of more axes is a line.
        left = min(left, 2 * ROWS)
        counts.insert(0, count)
    while counts and size(counts) > 1 and size(counts) * itemsize > BYTES:
        longest = counts.index(max(counts))
        counts[longest] = (counts[longest] + 1) // 2
    return counts


def size(counts):
    product = 1
    for count in counts:
        product *= count
    return product


def frame(value, pandas):
    rows, columns = value.shape
    preview = {"kind": "frame", "shape": [int(rows), int(columns)], "index": index(value.index)}
    preview["cut"] = rows > ROWS or columns > COLUMNS
    names, kinds = value.columns[:LISTED_COLUMNS], value.dtypes.iloc[:LISTED_COLUMNS]
    preview["columns"] = [
        {"name": clip(label(name), NAME), "dtype": clip(str(kind), NAME)} for name, kind in zip(names, kinds)
    ]
    return with_text(preview, lambda: printed(value.iloc[:ROWS, :COLUMNS], pandas))


def series(value, pandas):
    preview = {"kind": "series", "shape": [int(len(value))], "dtype": clip(str(value.dtype), NAME)}
    preview["index"] = index(value.index)
    preview["cut"] = len(value) > ROWS
    if value.name is not None:
        preview["name"] = clip(label(value.name), NAME)
    return with_text(preview, lambda: printed(value.iloc[:ROWS], pandas))


def printed(head, pandas):
    options = ("display.max_colwidth", CELL, "display.max_seq_items", ROWS, "display.max_rows", 2 * ROWS)
    with pandas.option_context(*options):
        if is_of(type(head), pandas, "DataFrame"):
            try:
                return head.to_string(max_colwidth=CELL)
            except TypeError:
                pass  # before pandas 1.0, where the option is heeded
        return head.to_string()


def index(index):
    names = [label(name) for name in list(index.names)[:ROWS] if name is not None]
    text = type(index).__name__
    return clip("%s (%s)" % (text, ", ".join(names)) if names else text, NAME)


def with_text(preview, text):
    try:
        preview["text"] = shorten(clean(text()))
    except BaseException as error:
        # Its elements' own code runs in there.
        preview["problem"] = said(error)
    return preview


def shorten(text):
    lines = [line if len(line) <= LINE else line[: LINE - 1] + "\u2026" for line in text.split("\n")]
    text = "\n".join(lines)
    return text if len(text) <= TEXT else text[: TEXT - 1] + "\u2026"


def label(name):
    return str(name) if isinstance(name, str) else brief_repr(name)


def cell(value):
    if isinstance(value, str):
        value = str.__str__(value)
    elif isinstance(value, bytes):
        value = bytes(value)
    return clip(brief_repr(value), CELL)


def brief_repr(value):
    # Of long text only what will be shown.
    if isinstance(value, (str, bytes)):
        value = value[: 2 * NAME]
    return clean(repr(value))


def clip(text, most):
    text = " ".join(clean(text).split("\n"))
    return text if len(text) <= most else text[: most - 1] + "\u2026"
