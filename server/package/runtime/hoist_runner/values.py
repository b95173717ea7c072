"""A value as text and, where it truly has one, as JSON."""
import collections
import json
import sys

LONGEST_REPR = 1000 * 1000
LONGEST_JSON = 8 * 1000 * 1000
DEEPEST_JSON = 100
MOST_PARTS = 1000 * 1000


def describe(value, notes, home):
    """The fields repr, type and json_text of the result; what was cut is added to the notes."""
    # Since 3.11 an int of more than 4300 digits is refused as text. That guards servers; here the value is the result.
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    return {"repr": bounded_repr(value, notes), "type": type_name(type(value), home), "json_text": json_text(value, notes)}


def bounded_repr(value, notes):
    try:
        text = clean(repr(value))
    except BaseException as error:
        # A value that cannot be shown is no failed job, be the reason a full memory or an interrupt of its own making.
        notes.append("the value's repr raised %s" % type(error).__name__)
        return "<%s object whose repr raised %s>" % (type_name(type(value)), type(error).__name__)
    if len(text) > LONGEST_REPR:
        notes.append("the value's repr has %d characters and was cut to %d" % (len(text), LONGEST_REPR))
        # Seen where it is cut, too: nobody may take a part for the whole.
        text = "%s [... %d more characters]" % (text[:LONGEST_REPR], len(text) - LONGEST_REPR)
    return text


def type_name(kind, home=None):
    """As Python prints it: with its module unless that is builtins or the user's own."""
    try:
        module, name = kind.__module__, kind.__qualname__
        if not isinstance(module, str) or module in ("builtins", "__main__", home):
            return clean(name)
        return clean("%s.%s" % (module, name))
    except BaseException:
        return "object"


def clean(text):
    """Text that can be encoded; half a surrogate pair becomes its escape."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def said(error, home=None):
    """What an exception says, as part of a sentence: `ValueError: no such column`."""
    name = type_name(type(error), home)
    try:
        text = clean(error).strip().split("\n", 1)[0]
    except BaseException:
        return name
    if len(text) > 300:
        text = text[:300] + "..."
    return "%s: %s" % (name, text) if text else name


class NoJson(Exception):
    pass


def json_text(value, notes):
    """The value as JSON, None where it has none. As text, since reading a long int back takes its length squared."""
    try:
        text = json.dumps(Plain().of(value, DEEPEST_JSON), allow_nan=False)
        if len(text) <= LONGEST_JSON:
            return text
        notes.append("the value is too large to be given as JSON")
    except NoJson as why:
        if why.args:
            notes.append(why.args[0])
    except BaseException:
        pass
    return None


class Plain:
    """The value in JSON's own types. Subclasses count as their base, whose data is taken without their methods."""

    def __init__(self):
        self.parts = 0

    def of(self, value, depth):
        self.parts += 1
        if depth == 0:
            raise NoJson("the value is nested too deeply to be given as JSON")
        if self.parts > MOST_PARTS:
            raise NoJson("the value is too large to be given as JSON")
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            return int.__pos__(value)
        if isinstance(value, float):
            number = float.__pos__(value)
            if number != number or number in (float("inf"), float("-inf")):
                raise NoJson()
            return number
        if isinstance(value, list):
            return [self.of(part, depth - 1) for part in list.__iter__(value)]
        if isinstance(value, tuple):
            return [self.of(part, depth - 1) for part in tuple.__iter__(value)]
        if isinstance(value, dict):
            plain = {}
            # An OrderedDict keeps its order beside the dict's.
            ordered = isinstance(value, collections.OrderedDict)
            for key, part in (collections.OrderedDict if ordered else dict).items(value):
                if not isinstance(key, str):
                    raise NoJson()
                plain[self.text(key)] = self.of(part, depth - 1)
            return plain
        raise NoJson()

    @staticmethod
    def text(value):
        text = str.__str__(value)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise NoJson()
        return text
