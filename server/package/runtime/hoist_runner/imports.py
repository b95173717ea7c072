"""Imports and `__main__` in the entry's process: as if the module had been started at home with `python train.py`."""
import importlib.machinery
import os
import sys

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
    """Puts the entry's module into sys.modules under its own name and as `__main__`, which it would be at home."""
    # Python's own core keeps its name against a programme's module: `import time` must go on to work.
    if module.__name__ not in NEVER_SHADOWED:
        sys.modules[module.__name__] = module
    module.__spec__.__class__ = Spec
    KEPT.append(sys.modules["__main__"])
    sys.modules["__main__"] = module


class Spec(importlib.machinery.ModuleSpec):
    """The entry's module is `__main__`, too, but must not be run again under that name in a spawned process.

    multiprocessing (and what follows its model: loky, multiprocess) asks the spec of `__main__` for the module to run
    there, and runs none when that is itself called `__main__`. What it unpickles imports the module by its own name.
    """

    @property
    def name(self):
        asking = sys._getframe(1).f_globals.get("__name__") or ""
        return "__main__" if asking.endswith(".spawn") else self.__dict__["name"]
