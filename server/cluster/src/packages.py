# What this Python can import: prints one line of JSON. Runs on Python 3.6 and newer, and imports nothing of anybody.
import json
import os
import pkgutil
import sys

MOST = 20000
SUFFIXES = (".py", ".pyc", ".so", ".pyd")


def look(folder, modules, distributions):
    if not os.path.isdir(folder):
        modules.update(found.name for found in pkgutil.iter_modules([folder]))
        return
    for name in os.listdir(folder):
        stem, suffix = os.path.splitext(name)
        if suffix in (".dist-info", ".egg-info"):
            parts = stem.split("-")
            if len(parts) > 1:
                distributions.setdefault(parts[0], parts[1])
        elif suffix in SUFFIXES or not suffix:
            modules.add(name.split(".")[0])


def main():
    modules, distributions = set(sys.builtin_module_names), {}
    for folder in sys.path:
        # The first one is the folder in which this runs.
        if folder:
            try:
                look(folder, modules, distributions)
            except OSError:
                pass
    # Editable installs: their finders know the names.
    for finder in sys.meta_path:
        home = sys.modules.get(getattr(finder, "__module__", None))
        tables = [getattr(home, name, None) for name in ("MAPPING", "NAMESPACES")]
        tables += [getattr(finder, name, None) for name in ("known_source_files", "known_wheel_files")]
        for table in tables:
            if isinstance(table, dict):
                modules.update(str(name).split(".")[0] for name in table)
    if len(modules) + len(distributions) > MOST:
        return
    modules = sorted(name for name in modules if name.isidentifier())
    print()
    python = "%d.%d.%d" % sys.version_info[:3]
    print(json.dumps({"python": python, "modules": modules, "distributions": distributions}))


main()
