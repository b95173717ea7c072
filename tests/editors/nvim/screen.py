"""What a person sees: Neovim in a real terminal (tmux), driven by its keyboard, judged by its screen.

Environment: NVIM and HOIST_TEST_FOLDER as `run` sets them. HOIST_TEST_PICTURE=FILE.png draws the screen of the first run.
"""

import os
import re
import subprocess
import sys
import time

import picture

FOLDER = os.environ["HOIST_TEST_FOLDER"]
NVIM = os.environ["NVIM"]
COLUMNS, ROWS = 110, 34

PROGRAMME = '''\
import random
import sys
import time


def estimate(samples=3000, rounds=6, seed=1):
    """Pi, from points thrown at a square."""
    dice = random.Random(seed)
    inside = 0
    for done in range(1, rounds + 1):
        inside += sum(dice.random() ** 2 + dice.random() ** 2 <= 1 for _ in range(samples))
        print(f"round {done} of {rounds}: pi is about {4 * inside / (samples * done):.4f}")
        if done == 3:
            print("half of the way", file=sys.stderr)
        time.sleep(1)
    return round(4 * inside / (samples * rounds), 4)


def study():
    """How far off it is, with more and more points."""
    return [abs(estimate(10**power, 1) - 3.14159) for power in (2, 3, 4)]
'''


class Terminal:
    """A Neovim in a tmux server of its own."""

    def __init__(self, name, *files):
        self.name = f"hoist-{os.getpid()}-{name}"
        self.tmux("-f", "/dev/null", "set-option", "-g", "default-terminal", "tmux-256color", ";", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", FOLDER,
                  f"exec '{NVIM}' -n -i NONE -c 'set background=dark termguicolors' {' '.join(files)}")
        self.tmux("set-option", "-g", "status", "off")
        # What is typed must come at once, Escape too.
        self.tmux("set-option", "-sg", "escape-time", "0")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", self.name, *words], check=True, capture_output=True, text=True, timeout=20).stdout

    def type(self, *keys):
        """Keys by their names (Enter, Escape), anything else as text."""
        for key in keys:
            if key in ("Enter", "Escape", "F5", "C-x", "C-o", "C-y"):
                self.tmux("send-keys", key)
            else:
                self.tmux("send-keys", "-l", key)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def colours(self):
        return self.tmux("capture-pane", "-p", "-e", "-N")

    def sees(self, pattern, seconds=60):
        """Waits until the screen has the pattern; returns the match and when it was seen."""
        end = time.monotonic() + seconds
        while True:
            screen = self.screen()
            match = re.search(pattern, screen, re.MULTILINE)
            if match:
                return match, time.monotonic()
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds} s in vain for {pattern!r} on this screen:\n{screen}")
            time.sleep(0.05)

    def close(self):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], capture_output=True, timeout=20)


def write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path, "w", newline="") as file:
        file.write(text)
    return path


def run_by_key():
    """The lenses, a run by key, its lines as they come, its end."""
    terminal = Terminal("run", write("montecarlo.py", PROGRAMME))
    try:
        terminal.sees(r"^def estimate\(.*\): +Run on local \| Run with arguments\.\.\.$")
        terminal.sees(r"^def study\(\): +Run on local")
        terminal.type("9G", "\\hr")
        terminal.sees(r"estimate\(\) on local +running")
        seen = [terminal.sees(rf"^round {number} of 6: pi is about 3\.\d+ *$")[1] for number in (1, 2, 3, 4)]
        # Printed over three seconds, so not seen all at once; on a busy machine a line may come late.
        assert seen[-1] - seen[0] > 1.5, f"four lines, a second apart, were seen within {seen[-1] - seen[0]:.1f} s"
        screen = terminal.screen()
        assert "half of the way" in screen, screen
        coloured = [line for line in terminal.colours().splitlines() if "half of the way" in line]
        assert "\033[" in coloured[0].split("half of the way")[0], f"standard error has no colour of its own: {coloured}"
        if os.environ.get("HOIST_TEST_PICTURE"):
            picture.draw(terminal.colours(), COLUMNS, ROWS, os.environ["HOIST_TEST_PICTURE"])
        match, _ = terminal.sees(r"estimate\(\) on local succeeded in (\d+\.\d) s")
        assert 5.5 < float(match[1]) < 30, match[0]
        terminal.sees(r"^3\.\d+ *$")
        terminal.sees(r"Run with arguments\.\.\. \| ok")
        # Nothing asks for a key press, and the cursor still stands in the file.
        assert "Press ENTER" not in terminal.screen(), terminal.screen()
        terminal.type("o# written on")
        terminal.sees(r"^ +# written on *$")
    finally:
        terminal.close()


def arguments_and_error():
    """Arguments asked in the command line; the error on its line, in the output and below."""
    terminal = Terminal("error", write("fails.py", "import math\n\n\ndef root(x):\n    y = x - 10\n    return math.sqrt(y)\n"))
    try:
        terminal.sees(r"def root\(x\): +Run on local")
        terminal.type("/math.sqrt", "Enter", "\\ha")
        terminal.sees(r"^Arguments of root\(x\)")
        terminal.type("x=3", "Enter")
        terminal.sees(r"root\(x=3\) on local failed")
        # Python's own words for it have changed over the versions.
        terminal.sees(r"^root\(x=3\) on local failed in .*: ValueError: (math domain error|expected a nonnegative input)")
        # Neovim's sign of an error, in the line that raised it, and the lens.
        terminal.sees(r"^E +return math\.sqrt\(y\)")
        terminal.sees(r"Run with arguments\.\.\. \| failed")
    finally:
        terminal.close()


def cancel_and_list():
    """A long job, cancelled in the list of jobs."""
    terminal = Terminal("list", write("long.py", "import time\n\ndef long():\n    print('started')\n    time.sleep(90)\n"))
    try:
        terminal.sees(r"def long\(\): +Run on local")
        terminal.type("/sleep", "Enter", "\\hr")
        terminal.sees(r"^started *$")
        terminal.type("\\hj")
        terminal.sees(r"^running +long\(\) +local ")
        terminal.type("c")
        terminal.sees(r"^cancelled +long\(\) +local ")
        terminal.type("q")
        terminal.sees(r"Run with arguments\.\.\. \| cancelled")
    finally:
        terminal.close()


def another_session():
    """What a job printed, in a Neovim that was started after it: the job goes on without its editor."""
    path = write("later.py", "import time\n\ndef later():\n    print('before')\n    time.sleep(4)\n    print('after')\n    return 'the result'\n")
    terminal = Terminal("first", path)
    try:
        terminal.sees(r"def later\(\): +Run on local")
        terminal.type("/sleep", "Enter", "\\hr")
        terminal.sees(r"^before *$")
        terminal.type(":qa!", "Enter")
    finally:
        time.sleep(0.5)
        terminal.close()
    terminal = Terminal("second", path)
    try:
        terminal.sees(r"def later\(\): +Run on local")
        terminal.type("\\ho")
        terminal.sees(r"^before *$")
        terminal.sees(r"^after *$")
        terminal.sees(r"later\(\) on local succeeded")
        terminal.sees(r"^'the result' *$")
    finally:
        terminal.close()


def question_while_typing():
    """A question waits until one has stopped typing."""
    terminal = Terminal("ask", write("ask.py", "def ask(x):\n    return x\n"))
    try:
        terminal.sees(r"def ask\(x\): +Run on local")
        terminal.type(":inoremap <F5> <Cmd>Hoist args<CR>", "Enter", "A", "F5")
        # The question comes meanwhile; what is typed goes into the file all the same.
        time.sleep(1)
        terminal.type("# typed on")
        terminal.sees(r"def ask\(x\):# typed on")
        terminal.type("Escape")
        terminal.sees(r"^Arguments of ask")
        terminal.type("x='answered'", "Enter")
        terminal.sees(r"^'answered' *$")
    finally:
        terminal.close()


def a_path_of_the_target():
    """A path of the target is completed inside of its quotes, segment by segment."""
    folder = os.path.join(FOLDER, "lab")
    os.makedirs(os.path.join(folder, "raw"))
    for name in (os.path.join("raw", "one.csv"), "run.csv"):
        write(os.path.join("lab", name), "")
    path = write("paths.py", 'from hoist import cluster_ls\n\n\ndef look():\n    return cluster_ls("")\n')
    terminal = Terminal("path", path)
    try:
        terminal.sees(r"^def look\(\): +Run on local")
        terminal.type('5Gf"a', folder + "/r", "C-x", "C-o")
        # Folders first: that one is taken, and the file is offered beside it.
        terminal.sees(r"raw/ +Folder")
        terminal.sees(r"run\.csv +File")
        terminal.type("C-y", "C-x", "C-o")
        terminal.sees(r"raw/one\.csv")
        terminal.type("C-y", "Escape", ":w", "Enter")
        end = time.monotonic() + 30
        while f'cluster_ls("{folder}/raw/one.csv")' not in open(path).read():
            assert time.monotonic() < end, open(path).read() + terminal.screen()
            time.sleep(0.05)
    finally:
        terminal.close()


def main():
    passed = failed = 0
    for test in (run_by_key, arguments_and_error, cancel_and_list, another_session, question_while_typing, a_path_of_the_target):
        start = time.monotonic()
        what = test.__doc__.strip().splitlines()[0]
        try:
            test()
        except Exception as problem:  # a test that fails in whatever way has failed
            failed += 1
            print(f"not ok: on the screen: {what} ({time.monotonic() - start:.1f} s)\n{type(problem).__name__}: {problem}", flush=True)
        else:
            passed += 1
            print(f"ok: on the screen: {what} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
