"""Takes in a file: writes what comes on standard input behind what an earlier attempt left, and sums it as it comes.

Arguments: the file to write, where it goes when it is whole, its length, its SHA-256 in hexadecimal. Runs on Python 3.6 and newer.
Out, a line each: `from N` (so many bytes are there, send the rest), then `done`, `fail altered` or `fail write WORDS`; nothing
more when the input ends early: what has come stays for the next attempt.
"""


def receive(temporary, path, total, wanted):
    file = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o600)
    have = os.fstat(file).st_size
    if have > total:
        os.ftruncate(file, 0)
        have = 0
    say("from %d" % have)
    with open(file, "r+b", buffering=0) as stored, open(0, "rb", buffering=0) as stream:
        answer = take(stored, stream, have, total, wanted)
    if answer == "done":
        os.replace(temporary, path)
    return answer if answer in (None, "done") else "fail " + answer


def main():
    temporary, path, total, wanted = sys.argv[1:]
    try:
        answer = receive(temporary, path, int(total), wanted)
    except OSError as error:
        answer = "fail write %s" % (error.strerror or error)
    if answer is None:
        return
    if answer != "done":
        try:
            os.remove(temporary)
        except OSError:
            pass
    say(answer)


main()
