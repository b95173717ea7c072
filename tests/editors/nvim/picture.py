"""Draws a terminal's screen as a picture, for the documentation."""

import html
import os
import re
import shutil
import subprocess
import tempfile

BACKGROUND, FOREGROUND = "#14161b", "#e0e2ea"
BASIC = ["#14161b", "#ffc0b9", "#b3f6c0", "#fce094", "#a6dbff", "#ffcaff", "#8cf8f7", "#eef1f8"]
CELL_WIDTH, CELL_HEIGHT = 8.43, 19


def _indexed(number):
    """The usual colour of a number of the 256."""
    if number < 16:
        return BASIC[number % 8]
    if number >= 232:
        level = 8 + 10 * (number - 232)
        return f"#{level:02x}{level:02x}{level:02x}"
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return "#%02x%02x%02x" % (levels[number // 36], levels[number // 6 % 6], levels[number % 6])


def _apply(style, words):
    """What one `ESC [ ... m` changes."""
    words = [int(word or 0) for word in words.replace(":", ";").split(";")]
    while words:
        word = words.pop(0)
        if word == 0:
            style.clear()
        elif word in (1, 3, 4, 7):
            style[{1: "bold", 3: "italic", 4: "underline", 7: "reverse"}[word]] = True
        elif word in (22, 23, 24, 27):
            style.pop({22: "bold", 23: "italic", 24: "underline", 27: "reverse"}[word], None)
        elif word in (38, 48):
            kind = words.pop(0)
            if kind == 5:
                colour = _indexed(words.pop(0))
            else:
                colour = "#%02x%02x%02x" % tuple(words[:3])
                del words[:3]
            style["colour" if word == 38 else "behind"] = colour
        elif 30 <= word <= 37 or 90 <= word <= 97:
            style["colour"] = BASIC[word % 10]
        elif 40 <= word <= 47 or 100 <= word <= 107:
            style["behind"] = BASIC[word % 10]
        elif word == 39:
            style.pop("colour", None)
        elif word == 49:
            style.pop("behind", None)


def _css(style):
    colour, behind = style.get("colour", FOREGROUND), style.get("behind")
    if style.get("reverse"):
        colour, behind = behind or BACKGROUND, colour
    rules = [f"color:{colour}"]
    if behind:
        rules.append(f"background:{behind}")
    if style.get("bold"):
        rules.append("font-weight:bold")
    if style.get("italic"):
        rules.append("font-style:italic")
    if style.get("underline"):
        rules.append("text-decoration:underline")
    return ";".join(rules)


def to_html(screen):
    """The screen, with its escape sequences, as a page."""
    style, rows = {}, []
    for line in screen.rstrip("\n").split("\n"):
        row = []
        for text, words in re.findall(r"([^\033]+)|\033\[([\d;:]*)m", line):
            if text:
                row.append(f'<span style="{_css(style)}">{html.escape(text)}</span>')
            else:
                _apply(style, words)
        rows.append("".join(row) or " ")
    return (
        f'<!doctype html><meta charset="utf-8"><body style="margin:0;padding:10px;background:{BACKGROUND}">'
        f"<pre style=\"margin:0;font:14px/{CELL_HEIGHT}px 'DejaVu Sans Mono',monospace\">" + "\n".join(rows) + "</pre>"
    )


def draw(screen, columns, rows, path):
    """Writes a PNG with the first browser of Chromium's family that this machine has."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        raise RuntimeError("a picture needs chromium, and there is none on this machine")
    with tempfile.TemporaryDirectory() as folder:
        page = os.path.join(folder, "screen.html")
        with open(page, "w", encoding="utf-8") as file:
            file.write(to_html(screen))
        size = f"{int(columns * CELL_WIDTH) + 20},{rows * CELL_HEIGHT + 20}"
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
             f"--window-size={size}", f"--screenshot={path}", f"file://{page}"],
            check=True, capture_output=True, timeout=90,
        )
