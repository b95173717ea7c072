"""The entry: its module is loaded under its own name, the entry found in it, called, and its value awaited."""
import importlib
import importlib.machinery
import importlib.util
import linecache
import sys
import types

from . import imports
from .errors import ARGUMENTS


class CannotCall(Exception):
    """The entry is not there or is nothing that can be called; the text is a sentence for the user."""


class Entry:
    def __init__(self, manifest, module_file):
        self.manifest = manifest
        self.name = manifest["module_name"]
        self.file = module_file
        self.entry = manifest["entry"]
        self.module = None
        self.function = None
        self.phase = "module"
        # Taken before the programme's folders are on sys.path, and only by those who need the time it takes.
        self.asyncio = importlib.import_module("asyncio") if self.entry.get("is_async") else None
        self.statements = None
        if self.entry["kind"] == "statements":
            from . import statements

            self.statements = statements

    def run(self, args):
        if self.statements:
            loader = self.statements.Loader(self.name, self.file, self.entry["first"], self.entry["last"])
            self.load(loader)
            return self.settle(loader.value)
        self.load(importlib.machinery.SourceFileLoader(self.name, self.file))
        self.phase = "entry"
        call = self.find()
        self.phase = "arguments"
        positional, keywords = self.arguments(args)
        self.phase = "call"
        return self.settle(call(positional, keywords))

    def load(self, loader):
        parent = self.name.rpartition(".")[0]
        if parent:
            importlib.import_module(parent)
        spec = importlib.util.spec_from_file_location(self.name, self.file, loader=loader)
        module = importlib.util.module_from_spec(spec)
        imports.register(module)
        self.module = module
        loader.exec_module(module)
        if parent:
            setattr(sys.modules[parent], self.name.rpartition(".")[2], module)

    def find(self):
        """What is to be called, as a function of the positional and the keyword arguments."""
        qualname = self.entry["qualname"]
        owner, found = None, self.module
        for part in qualname.split("."):
            owner = found
            try:
                found = getattr(owner, part)
            except AttributeError:
                raise CannotCall(
                    "%s has no %s after its top level has run: something there removed it, or defines it only under "
                    "a condition that does not hold here" % (self.manifest["module_file"], qualname)
                )
        found = getter(found)
        if not callable(found):
            raise CannotCall("%s is a %s and cannot be called" % (qualname, type(found).__name__))
        self.function = found
        name = qualname.rpartition(".")[2]
        if isinstance(owner, type) and isinstance(found, types.FunctionType) and not is_static(owner, name):
            return lambda positional, keywords: self.call_method(owner, name, positional, keywords)
        return lambda positional, keywords: found(*positional, **keywords)

    def call_method(self, owner, name, positional, keywords):
        """A method called by its class's name: with an instance as its first argument, or with one made for it."""
        if positional and isinstance(positional[0], owner) or "self" in keywords:
            return self.function(*positional, **keywords)
        unittest = sys.modules.get("unittest")
        if unittest and issubclass(owner, unittest.TestCase) and not positional and not keywords:
            # With setUp and tearDown, and raising what goes wrong instead of counting it.
            unittest.TestSuite([owner(name)]).debug()
            return None
        try:
            instance = owner()
        except TypeError as error:
            if error.__traceback__.tb_next is not None:
                raise
            raise CannotCall(
                "%s is a method and %s() cannot be called without arguments (%s): give an instance as the first "
                "argument, for example %s(...)" % (self.entry["qualname"], owner.__name__, error, owner.__name__)
            )
        return self.function(instance, *positional, **keywords)

    def arguments(self, text):
        """(args, kwargs) of an argument list, evaluated in the module's namespace."""
        if text is None or not text.strip():
            return (), {}
        source = "__hoist_arguments__(%s\n)" % text
        try:
            code = compile(source, ARGUMENTS, "eval", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise CannotCall("the arguments `%s` are no argument list of Python: %s" % (text, error.args[0]))
        linecache.cache[ARGUMENTS] = (len(text), None, [line + "\n" for line in text.split("\n")], ARGUMENTS)
        capture = {"__hoist_arguments__": lambda *positional, **keywords: (positional, keywords)}
        return eval(code, self.module.__dict__, capture)

    def settle(self, value):
        """The value itself: awaited, and collected when it comes one by one."""
        if isinstance(value, types.AsyncGeneratorType):
            return self.run_async(collect(value))
        if is_coroutine(value):
            return self.settle(self.run_async(wait_for(value)))
        if isinstance(value, types.GeneratorType):
            return list(value)
        return value

    def run_async(self, coroutine):
        asyncio = self.asyncio or importlib.import_module("asyncio")
        if hasattr(asyncio, "run"):
            return asyncio.run(coroutine)
        loop = asyncio.new_event_loop()  # Python 3.6
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(coroutine)
        finally:
            for task in asyncio.Task.all_tasks(loop):
                task.cancel()
                try:
                    loop.run_until_complete(task)
                except (asyncio.CancelledError, Exception):
                    pass
            loop.run_until_complete(loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            loop.close()

    def code(self):
        """The code of the entry's function, below its decorators."""
        function = self.function
        for _ in range(100):
            function = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None) or function
        return getattr(function, "__code__", None)


def is_static(owner, name):
    for kind in owner.__mro__:
        if name in vars(kind):
            return isinstance(vars(kind)[name], staticmethod)
    return False


def getter(found):
    """The function behind a property, which is no function itself."""
    if isinstance(found, property):
        return found.fget
    if type(found).__name__ == "cached_property":
        return getattr(found, "func", found)
    return found


CO_ITERABLE_COROUTINE = 0x100  # a generator under types.coroutine


def is_coroutine(value):
    # Not all that can be awaited: a future belongs to a loop that its library runs itself.
    if isinstance(value, types.GeneratorType):
        return bool(value.gi_code.co_flags & CO_ITERABLE_COROUTINE)
    return all(hasattr(type(value), name) for name in ("__await__", "send", "throw", "close"))


async def wait_for(value):
    return await value


async def collect(values):
    return [value async for value in values]
