"""Imports and `__main__` in the entry's process: as if the module had been started at home with `python train.py`."""
import os
import sys
import types

# Always Python's own, whatever lies beside the programme: they are there before sys.path is looked at.
NEVER_SHADOWED = set(sys.builtin_module_names) | {
    "__main__",
    "_bootlocale",
    "_collections_abc",
    "_sitebuiltins",
    "_weakrefset",
    "abc",
    "codecs",
    "encodings",
    "genericpath",
    "importlib",
    "io",
    "os",
    "posixpath",
    "site",
    "stat",
    "zipimport",
}
# As the loader has it, which is as it stands in every co_filename of the runner.
PACKAGE = os.path.dirname(os.path.dirname(__file__))
# What is taken out of sys.modules lives on here: its functions are still needed.
KEPT = []


def set_up(roots, module_file):
    """The programme's folders first, the package and the runner not at all."""
    sys.path[:] = roots + [path for path in sys.path if path != PACKAGE]
    sys.path_importer_cache.pop(PACKAGE, None)
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(roots + ([inherited] if inherited else []))
    sys.argv[:] = [module_file]
    forget({"hoist_runner"})
    # A module of the programme may be called `json` or `queue`; that it is the programme's must not depend on what
    # the runner has imported before it.
    names = [name for root in roots for name in os.listdir(root)]
    forget({name.split(".", 1)[0] for name in names} - NEVER_SHADOWED)


def forget(tops):
    for name in list(sys.modules):
        if name.split(".", 1)[0] in tops:
            KEPT.append(sys.modules.pop(name))


def register(module):
    """Puts the entry's module into sys.modules under its own name and as `__main__`."""
    # Python's own core keeps its name against a programme's module: `import time` must go on to work.
    if module.__name__ not in NEVER_SHADOWED:
        sys.modules[module.__name__] = module
    main = sys.modules["__main__"]
    KEPT.append(main)
    sys.modules["__main__"] = Main(module, getattr(main, "__spec__", None))


class Main(types.ModuleType):
    """`__main__` of the job: the entry's module under its other name, as at home, where the two are one.

    Its __spec__ keeps its own name, which tells multiprocessing not to run the module once more in a spawned child.
    """

    def __init__(self, module, spec):
        types.ModuleType.__init__(self, "__main__")
        types.ModuleType.__setattr__(self, "__wrapped_module__", module)
        types.ModuleType.__setattr__(self, "__spec__", spec)

    def __getattribute__(self, name):
        if name in ("__spec__", "__class__"):
            return types.ModuleType.__getattribute__(self, name)
        return getattr(wrapped(self), name)

    def __setattr__(self, name, value):
        setattr(wrapped(self), name, value)

    def __delattr__(self, name):
        delattr(wrapped(self), name)

    def __dir__(self):
        return dir(wrapped(self))


def wrapped(main):
    return types.ModuleType.__getattribute__(main, "__wrapped_module__")
