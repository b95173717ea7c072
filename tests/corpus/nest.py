"""Puts a whole programme into a method: `nest.py IN.py OUT.py`.

    class Case:
        def method(self):
            <the programme>

Only lines on which a statement or a comment begins are moved to the right, and the continuation of a statement; the
inside of a string that goes over several lines stays where it is, also at column 0, so that no text changes.
Lines are moved down by two, or by none when the programme begins with two lines that may be given up (`# nest`).
`from __future__` imports stay at the top, since Python wants them there.
"""
import io
import sys
import tokenize

HEAD = ["class Case:", "    def method(self):"]


def inside_strings(text):
    """Numbers (from 1) of the lines that begin inside a string."""
    inside = set()
    starts = []
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        name = tokenize.tok_name[token.type]
        if name.endswith("STRING_START"):
            starts.append(token.start[0])
        elif name.endswith("STRING_END"):
            inside.update(range(starts.pop() + 1, token.end[0] + 1))
        elif name == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
    return inside


def nest(text):
    if text.startswith("\ufeff"):
        return "\ufeff" + nest(text[1:])
    end = "\r\n" if "\r\n" in text else "\n"
    inside = inside_strings(text)
    lines = text.split(end)
    # A coding cookie holds only in the first two lines.
    top = [line for line in lines[:2] if line.startswith("#") and "coding" in line]
    out = []
    for number, line in enumerate(lines, 1):
        if line.startswith("from __future__ import") and number not in inside:
            top.append(line)
            out.append("")
        elif number in inside or not line.strip():
            out.append(line)
        else:
            out.append("        " + line)
    return end.join(top + HEAD + out)


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0].replace("utf-8-sig", "utf-8")
    with open(target, "wb") as file:
        file.write(nest(data.decode(encoding)).encode(encoding))


if __name__ == "__main__":
    main()
