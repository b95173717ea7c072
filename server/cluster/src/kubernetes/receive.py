"""Takes a package into the job's folder. In: a line of JSON, then the request and the package. Out: `have`, or `need` and then
`done` or `altered`. Python 3.6+. Arguments: the job, the package's SHA-256."""
import hashlib
import json
import os
import sys

job, wanted = sys.argv[1:]
folder = "/hoist/jobs/" + job
package = "/hoist/packages/" + wanted + ".zip"


def take(stream, path, length):
    fresh = "%s.%d" % (path, os.getpid())
    digest = hashlib.sha256()
    with open(fresh, "wb") as file:
        while length:
            data = stream.read(min(length, 1 << 18))
            if not data:
                raise EOFError
            digest.update(data)
            file.write(data)
            length -= len(data)
    return fresh, digest.hexdigest()


def main():
    os.umask(0o077)
    for name in (folder, os.path.dirname(package)):
        os.makedirs(name, exist_ok=True)
    if os.path.exists(package) and os.path.exists(folder + "/request.json"):
        print("have")
        return
    print("need", flush=True)
    stream = sys.stdin.buffer
    sizes = json.loads(stream.readline().decode("ascii"))
    request, _ = take(stream, folder + "/.request", sizes["request"])
    fresh, digest = take(stream, package, sizes["package"])
    if digest != wanted:
        os.remove(fresh)
        os.remove(request)
        print("altered")
        return
    os.rename(request, folder + "/request.json")
    os.rename(fresh, package)
    print("done")


main()
