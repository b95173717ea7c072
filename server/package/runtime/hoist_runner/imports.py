"""Imports and `__main__` in the entry's process: as if the module had been started at home with `python train.py`."""
import importlib
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
# The runner's own modules by name, once they are no longer in sys.modules.
RUNNER = {}
# What finds them, where that is not Python's own way.
FINDERS = []


def set_up(roots, module_file):
    """The programme's folders first, the package and the runner not at all."""
    sys.path[:] = roots + [path for path in sys.path if path != PACKAGE]
    sys.path_importer_cache.pop(PACKAGE, None)
    FINDERS.extend(finder for finder in sys.meta_path if finder is __loader__)
    leave_to_python()
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(roots + ([inherited] if inherited else []))
    sys.argv[:] = [module_file]
    RUNNER.update(named("hoist_runner"))
    forget({"hoist_runner"})
    # A module of the programme may be called `json` or `queue`; that it is the programme's must not depend on what
    # the runner has imported before it.
    names = [name for root in roots for name in os.listdir(root)]
    forget({name.split(".", 1)[0] for name in names} - NEVER_SHADOWED)


def forget(tops):
    for name in list(sys.modules):
        if name.split(".", 1)[0] in tops:
            KEPT.append(sys.modules.pop(name))


def late(name):
    """A module of the runner that most jobs do not need; for the moment of its import the runner can be found again."""
    theirs = named("hoist_runner")
    sys.modules.update(RUNNER)
    sys.meta_path[:0] = FINDERS
    try:
        return importlib.import_module("hoist_runner." + name)
    finally:
        leave_to_python()
        RUNNER.update(named("hoist_runner"))
        forget({"hoist_runner"})
        sys.modules.update(theirs)


def leave_to_python():
    sys.meta_path[:] = [finder for finder in sys.meta_path if all(finder is not own for own in FINDERS)]


def named(top):
    return {name: module for name, module in list(sys.modules.items()) if name.split(".", 1)[0] == top}


class AfterImport:
    """Calls `act` with a module as soon as the programme has imported it."""

    def __init__(self, name, act):
        self.name = name
        self.act = act

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find and finder is not self else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = Acting(spec.loader, self.act)
                return spec
        return None


class Acting:
    """The loader of such a module, until it has done its work."""

    def __init__(self, loader, act):
        self.loader = loader
        self.act = act

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.act(module)


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
