"""Writes small random programmes that load without raising, for the proof that a slice does what its module does.

    tests/corpus/programmes_at_random.py FOLDER FIRST_SEED COUNT

The programme of a seed is always the same. It stands in FOLDER/SEED: a few modules and a package, data files, and a script that uses
them all. For each one line of JSON is printed: {"seed", "modules": [{"file", "name", "entries": [{"entry", "args"}]}]}. An
entry is a function or method that nothing at the top level of its module runs, for calls of the entry do not travel, or the
lines of some statements. Some scripts have cells (`# %%`), which are not told.

A programme is made of *effects*, expressions that change something (`xs0.append(3)`, `setattr(box1, "v", 2)`), in every *place*
where Python evaluates one, and of *observers*, functions that look at a few names. Statements that raise are taken out again.
"""
import ast
import json
import os
import random
import re
import sys

HAS_MATCH = sys.version_info >= (3, 10)
STEMS = {
    "int": "n",
    "str": "s",
    "list": "xs",
    "lists": "rows",
    "dict": "d",
    "dicts": "table",
    "set": "seen",
    "box": "box",
    "iterator": "it",
    "deque": "queue",
}
LONGEST_RUN = 1


def indent(text):
    return "\n".join("    " + line if line else line for line in text.split("\n"))


def block(head, *bodies):
    return head + "\n" + "\n".join(indent(body) for body in bodies)


class Neighbour:
    """A module that was written before, as others may import it."""

    def __init__(self, name, writer):
        self.name = name
        self.names = {kind: list(names) for kind, names in writer.names.items()}
        self.functions = dict(writer.functions)
        self.classes = dict(writer.classes)


class Writer:
    """Writes one module, statement by statement, and keeps in mind what its names hold."""

    def __init__(self, r, name, neighbours=(), data=()):
        self.r = r
        self.name = name
        self.neighbours = list(neighbours)
        self.data = list(data)
        self.names = {kind: [] for kind in STEMS}
        # Of each function the kinds of its parameters and of its result; of each class those of its methods.
        self.functions = {}
        self.classes = {}
        self.instances = {}
        self.modules = {}
        self.registered = set()
        # Names of what holds functions, of generators and the like that have not run yet, and of objects of other modules.
        self.handlers = []
        self.lazy = []
        self.foreign = {}
        self.statements = []
        self.count = 0
        self.depth = 0

    # Choices.

    def maybe(self, share):
        return self.r.random() < share

    def pick(self, *options):
        return self.r.choice(options)

    def fresh(self, stem):
        self.count += 1
        return "%s%d" % (stem, self.count)

    def small(self):
        return str(self.r.randrange(10))

    def key(self):
        return repr(self.pick("a", "b", "c"))

    def add(self, text):
        self.statements.append(text)

    def new_name(self, kind):
        """A new name, or one of this kind that gets another value."""
        if self.names[kind] and self.maybe(0.35):
            return self.r.choice(self.names[kind])
        name = "%s%d" % (STEMS[kind], len(self.names[kind]))
        if name not in self.names[kind]:
            self.names[kind].append(name)
        return name

    def known(self, kind):
        """A name of this kind; one is bound first when there is none."""
        if not self.names[kind]:
            value = self.literal(kind)
            name = self.new_name(kind)
            self.add("%s = %s" % (name, value))
        return self.r.choice(self.names[kind])

    def std(self, module):
        """What to write for a module of Python's own library."""
        if module not in self.modules:
            alias = self.pick(module, module, "_" + module.replace(".", "_"))
            self.add("import " + module if alias == module else "import %s as %s" % (module, alias))
            self.modules[module] = alias
        return self.modules[module]

    # Values.

    def literal(self, kind):
        a, b = self.small(), self.small()
        if kind == "int":
            return a
        if kind == "str":
            return repr("".join(self.r.choice("xyz") for _ in range(3)))
        if kind == "list":
            return self.pick("[]", "[%s]" % a, "[%s, %s]" % (a, b), "list(range(%s))" % a)
        if kind == "lists":
            return self.pick("[[%s], [%s]]" % (a, b), "[[] for _ in range(2)]", "[[%s]] * 2" % a)
        if kind == "dict":
            return self.pick("{'a': %s}" % a, "{'a': %s, 'b': %s}" % (a, b), "dict(c=%s)" % a)
        if kind == "dicts":
            return self.pick("{'a': [%s], 'b': []}" % a, "%s.defaultdict(list, a=[%s])" % (self.std("collections"), a))
        if kind == "set":
            return self.pick("{%s}" % a, "{%s, %s}" % (a, b), "set()")
        if kind == "box":
            return "%s.SimpleNamespace(v=%s, w=[%s])" % (self.std("types"), a, b)
        if kind == "iterator":
            return self.pick("iter([%s, %s, 7, 8])" % (a, b), "(i * 2 for i in range(5))", "%s.count(%s)" % (self.std("itertools"), a))
        assert kind == "deque", kind
        return "%s.deque([%s, %s])" % (self.std("collections"), a, b)

    def value(self, kind):
        """An expression of this kind: often another name for something that is there."""
        if self.depth > 2 or self.maybe(0.3):
            return self.literal(kind)
        self.depth += 1
        try:
            return self.compound(kind)
        finally:
            self.depth -= 1

    def compound(self, kind):
        choices = [self.alias] * 3 + [self.choice, self.from_function, self.from_neighbour, self.through_namespace]
        choices += {"int": [self.int_value] * 4, "str": [self.str_value] * 3, "list": [self.list_value] * 4}.get(kind, [])
        choices += {"lists": [self.lists_value] * 2, "dicts": [self.dicts_value] * 2, "dict": [self.dict_value] * 2}.get(kind, [])
        return self.r.choice(choices)(kind)

    def alias(self, kind):
        return self.known(kind)

    def choice(self, kind):
        one, other = self.known(kind), self.value(kind)
        return self.pick(
            "(%s if %s else %s)" % (one, self.value("int"), other),
            "(%s or %s)" % (one, other),
            "[%s, %s][0]" % (one, other),
            "(lambda: %s)()" % one,
            "{'k': %s}['k']" % one,
            "next(iter((%s,)))" % one,
            "dict(k=%s).get('k')" % one,
        )

    def from_function(self, kind):
        names = [name for name, (_, result) in self.functions.items() if result == kind]
        if not names:
            return self.known(kind)
        return self.call(self.r.choice(names))

    def from_neighbour(self, kind):
        for neighbour in self.r.sample(self.neighbours, len(self.neighbours)):
            giving = [name for name, (_, result) in neighbour.functions.items() if result == kind]
            if giving and self.maybe(0.4):
                name = self.r.choice(giving)
                arguments = ", ".join(self.value(each) for each in neighbour.functions[name][0])
                return "%s(%s)" % (self.of_neighbour(neighbour, name), arguments)
            if neighbour.names[kind]:
                return self.of_neighbour(neighbour, self.r.choice(neighbour.names[kind]))
        return self.known(kind)

    def through_namespace(self, kind):
        name = self.known(kind)
        if not self.maybe(0.1):
            return name
        return self.pick(
            "globals()[%r]" % name,
            "eval(%r)" % name,
            "globals().get(%r)" % name,
            "getattr(%s.modules[__name__], %r)" % (self.std("sys"), name),
        )

    def int_value(self, _):
        return self.pick(
            lambda: "%s + %s" % (self.known("int"), self.small()),
            lambda: "len(%s)" % self.value(self.pick("list", "dict", "set", "str")),
            lambda: "sum(%s)" % self.value("list"),
            lambda: "%s.v" % self.value("box"),
            lambda: "%s.get(%s, 0)" % (self.value("dict"), self.key()),
            lambda: "max(%s, default=0)" % self.value("list"),
            lambda: "next(%s, 0)" % self.known("iterator"),
            lambda: "%s.randrange(100)" % self.std("random"),
            lambda: "sum(i for i in %s if i > %s)" % (self.value("list"), self.small()),
            lambda: "%s.reduce(lambda x, y: x + y, %s, 0)" % (self.std("functools"), self.value("list")),
        )()

    def str_value(self, _):
        return self.pick(
            lambda: "str(%s)" % self.value(self.pick("int", "list", "dict")),
            lambda: "f'{%s}'" % self.known(self.pick("int", "list", "dict", "box")),
            lambda: "'-'.join(sorted(%s))" % self.value("dict"),
            lambda: "__name__",
            lambda: "(__doc__ or 'none')",
            lambda: "%s.path.basename(__file__)" % self.std("os"),
            lambda: "%s.environ.get('HOIST_P', 'none')" % self.std("os"),
            lambda: "%s.__name__" % self.r.choice(list(self.functions) or ["print"]),
        )()

    def list_value(self, _):
        return self.pick(
            lambda: "[*%s, %s]" % (self.known("list"), self.small()),
            lambda: "%s[:]" % self.known("list"),
            lambda: "sorted(%s)" % self.value("list"),
            lambda: "[i + %s for i in %s]" % (self.value("int"), self.value("list")),
            lambda: "%s[0]" % self.value("lists"),
            lambda: "%s.setdefault(%s, [])" % (self.value("dicts"), self.key()),
            lambda: "%s['a']" % self.value("dicts"),
            lambda: "%s.w" % self.value("box"),
            lambda: "getattr(%s, 'w')" % self.value("box"),
            lambda: "vars(%s)['w']" % self.known("box"),
            lambda: "max(%s, %s, key=len)" % (self.known("list"), self.known("list")),
            lambda: "list(map(lambda i: i * 2, %s))" % self.value("list"),
            lambda: "%s.copy(%s)[0]" % (self.std("copy"), self.known("lists")),
            lambda: "%s.deepcopy(%s)[0]" % (self.std("copy"), self.known("lists")),
            lambda: "list(%s.islice(%s, 2))" % (self.std("itertools"), self.known("iterator")),
            lambda: "list(zip(%s, %s))[0][0]" % (self.known("lists"), self.known("lists")),
            lambda: "[i for row in %s for i in row]" % self.value("lists"),
            lambda: "(%s + %s)" % (self.value("list"), self.value("list")),
            lambda: "list(%s)" % self.value(self.pick("list", "deque")),
            lambda: "next(filter(None, %s), %s)" % (self.value("lists"), self.known("list")),
        )()

    def lists_value(self, _):
        return self.pick(
            lambda: "[%s, %s]" % (self.known("list"), self.value("list")),
            lambda: "list(%s.values())" % self.known("dicts"),
            lambda: "%s[::-1]" % self.known("lists"),
            lambda: "%s.copy()" % self.known("lists"),
            lambda: "[q for q in %s]" % self.known("lists"),
            lambda: "sorted(%s, key=len)" % self.known("lists"),
        )()

    def dicts_value(self, _):
        return self.pick(
            lambda: "{'a': %s, **%s}" % (self.value("list"), self.known("dicts")),
            lambda: "dict(a=%s)" % self.known("list"),
            lambda: "dict(zip('ab', %s))" % self.known("lists"),
            lambda: "{k: v for k, v in %s.items()}" % self.known("dicts"),
            lambda: "%s.copy()" % self.known("dicts"),
        )()

    def dict_value(self, _):
        return self.pick(
            lambda: "{**%s, 'c': %s}" % (self.known("dict"), self.value("int")),
            lambda: "vars(%s)" % self.known("box"),
            lambda: "%s.ChainMap(%s, {'z': 1})" % (self.std("collections"), self.known("dict")),
            lambda: "dict(%s.Counter(%s))" % (self.std("collections"), self.value("str")),
        )()

    def call(self, name):
        parameters, _ = self.functions[name]
        return "%s(%s)" % (name, ", ".join(self.value(kind) for kind in parameters))

    def of_neighbour(self, neighbour, name):
        """A name of another module, by one of the ways to import it."""
        key = (neighbour.name, name)
        if key in self.modules:
            return self.modules[key]
        if neighbour.name in self.modules and self.maybe(0.5):
            return "%s.%s" % (self.modules[neighbour.name], name)
        package, _, last = neighbour.name.rpartition(".")
        way = self.r.randrange(5)
        if way == 0:
            self.add("import " + neighbour.name)
            self.modules[neighbour.name] = neighbour.name
        elif way == 1 and package:
            self.add("from %s import %s" % (self.relative(package), last))
            self.modules[neighbour.name] = last
        elif way == 2:
            alias = self.fresh("m")
            self.add("import %s as %s" % (neighbour.name, alias))
            self.modules[neighbour.name] = alias
        elif way == 3:
            alias = self.fresh(name + "_")
            self.add("from %s import %s as %s" % (self.relative(neighbour.name), name, alias))
            self.modules[key] = alias
            return alias
        else:
            alias = self.fresh("m")
            self.add("%s = %s.import_module(%r)" % (alias, self.std("importlib"), neighbour.name))
            self.modules[neighbour.name] = alias
        return "%s.%s" % (self.modules.get(neighbour.name) or neighbour.name, name)

    def relative(self, module):
        """The module as a `from` import may name it from here."""
        package = self.name.rpartition(".")[0]
        if not package or self.maybe(0.4):
            return module
        if module == package:
            return "."
        if module.startswith(package + "."):
            return module[len(package) :]
        above = package.rpartition(".")[0]
        if above and module == above:
            return ".."
        if above and module.startswith(above + "."):
            return "." + module[len(above) :]
        return module

    # Effects: expressions that change something.

    def effect(self):
        options = [self.change_list] * 6 + [self.change_dict] * 3 + [self.change_box] * 2
        options += [self.change_set, self.change_deque, self.step_iterator, self.run_function, self.run_function]
        options += [self.run_method, self.run_method, self.change_neighbour, self.change_process, self.change_class]
        options += [self.run_held, self.run_foreign]
        self.depth += 1
        try:
            return self.r.choice(options)()
        finally:
            self.depth -= 1

    def change_list(self):
        target, i = self.value("list"), self.value("int")
        if self.maybe(0.7):
            target = self.pick(self.known("list"), self.known("list"), self.list_value("list"))
        return self.pick(
            lambda: "%s.append(%s)" % (target, i),
            lambda: "%s.append(%s)" % (target, i),
            lambda: "%s.extend([%s, 1])" % (target, i),
            lambda: "%s.insert(0, %s)" % (target, i),
            lambda: "%s.sort()" % target,
            lambda: "%s.reverse()" % target,
            lambda: "%s.clear()" % target,
            lambda: "%s and %s.pop()" % (target, target),
            lambda: "%s.__iadd__([%s])" % (target, i),
            lambda: "list.append(%s, %s)" % (target, i),
            lambda: "getattr(%s, 'append')(%s)" % (target, i),
            lambda: "%s.heappush(%s, %s)" % (self.std("heapq"), target, i),
            lambda: "%s.insort(%s, %s)" % (self.std("bisect"), target, i),
            lambda: "%s.iadd(%s, [%s])" % (self.std("operator"), target, i),
            lambda: "%s.setitem(%s, slice(0, 1), [%s])" % (self.std("operator"), target, i),
            lambda: "%s.shuffle(%s)" % (self.std("random"), target),
            lambda: "%s.partial(%s.append, %s)()" % (self.std("functools"), target, i),
            lambda: "list(map(%s.append, [%s, 2]))" % (target, i),
            lambda: "[q.append(%s) for q in [%s]]" % (i, target),
            lambda: "[q.append(%s) for q in %s]" % (i, self.value("lists")),
            lambda: "any(q.append(%s) for q in %s)" % (i, self.value("lists")),
            lambda: "[q.append(%s) for q in %s.values()]" % (i, self.known("dicts")),
            lambda: "(lambda q: q.append(%s))(%s)" % (i, target),
            lambda: "(lambda q=%s: q.append(%s))()" % (target, i),
            lambda: "sorted([%s, 2], key=lambda i: %s.append(i) or i)" % (i, target),
            lambda: "%s.reduce(lambda q, i: q.append(i) or q, [%s], %s)" % (self.std("functools"), i, target),
            lambda: "%s.deque(map(%s.append, [%s]), maxlen=0)" % (self.std("collections"), target, i),
            lambda: "exec(%r)" % ("%s.append(%s)" % (self.known("list"), self.small())),
            lambda: "eval(%r)" % ("%s.append(%s)" % (self.known("list"), self.small())),
            lambda: "%s.methodcaller('append', %s)(%s)" % (self.std("operator"), i, target),
            lambda: "%s.Thread(target=%s.append, args=(%s,)).run()" % (self.std("threading"), target, i),
            lambda: "[f(%s) for f in (%s.append, %s.remove)]" % (i, target, target),
        )()

    def change_dict(self):
        target, i = self.pick(self.known("dict"), self.value("dict")), self.value("int")
        return self.pick(
            lambda: "%s.update(a=%s)" % (target, i),
            lambda: "%s.update({%s: %s})" % (target, self.key(), i),
            lambda: "%s.setdefault(%s, %s)" % (target, self.key(), i),
            lambda: "%s.pop(%s, None)" % (target, self.key()),
            lambda: "%s.__setitem__(%s, %s)" % (target, self.key(), i),
            lambda: "%s.setitem(%s, %s, %s)" % (self.std("operator"), target, self.key(), i),
            lambda: "%s.clear()" % target,
            lambda: "%s.setdefault(%s, []).append(%s)" % (self.known("dicts"), self.key(), i),
            lambda: "%s.update(a=%s)" % (self.known("dicts"), self.known("list")),
        )()

    def change_box(self):
        target, i = self.pick(self.known("box"), self.value("box")), self.value("int")
        return self.pick(
            lambda: "setattr(%s, 'v', %s)" % (target, i),
            lambda: "%s.__setattr__('v', %s)" % (target, i),
            lambda: "vars(%s).update(v=%s)" % (target, i),
            lambda: "%s.__dict__.update(v=%s)" % (target, i),
            lambda: "setattr(%s, 'w', %s)" % (target, self.known("list")),
            lambda: "%s.w.append(%s)" % (target, i),
            lambda: "%s.copy(%s).w.append(%s)" % (self.std("copy"), target, i),
        )()

    def change_set(self):
        return "%s.%s(%s)" % (self.known("set"), self.pick("add", "discard"), self.value("int"))

    def change_deque(self):
        queue = self.known("deque")
        return self.pick("%s.append(%s)" % (queue, self.value("int")), "%s.rotate(1)" % queue, "%s.appendleft(%s)" % (queue, self.small()))

    def step_iterator(self):
        return self.pick("next(%s, 0)", "next(%s)", "list(zip('ab', %s))", "next(iter(%s))") % self.known("iterator")

    def run_function(self):
        if not self.functions:
            return self.change_list()
        return self.call(self.r.choice(list(self.functions)))

    def run_method(self):
        if not self.instances:
            return self.change_dict()
        name = self.r.choice(list(self.instances))
        methods = self.classes[self.instances[name]]
        if not methods:
            return self.change_box()
        method, parameters = self.r.choice(sorted(methods.items()))
        if method.startswith("p_"):
            return self.pick("%s.%s" % (name, method), "setattr(%s, %r, %s)" % (name, method, self.value("int")))
        arguments = [self.value(kind) for kind in parameters]
        operators = {
            "__call__": "%s(%s)",
            "__getitem__": "%s[%s]",
            "__add__": "(%s + %s)",
            "__contains__": "(%s) not in %s",
            "__eq__": "(%s == %s)",
        }
        if method == "__contains__":
            return "(%s in %s)" % (arguments[0], name)
        if method in operators:
            return operators[method] % (name, arguments[0])
        if method in ("__enter__", "__iadd__", "__getattr__", "__next__"):
            return {"__enter__": "%s.__enter__()", "__iadd__": "%s.__iadd__(1)", "__getattr__": "%s.missing", "__next__": "next(%s)"}[method] % name
        if method in ("__len__", "__iter__", "__bool__", "__repr__"):
            return {"__len__": "len(%s)", "__iter__": "list(%s)", "__bool__": "(not %s)", "__repr__": "str(%s)"}[method] % name
        return "%s.%s(%s)" % (name, method, ", ".join(arguments))

    def change_neighbour(self):
        if not self.neighbours:
            return self.change_list()
        neighbour = self.r.choice(self.neighbours)
        functions = [name for name in neighbour.functions]
        if functions and self.maybe(0.5):
            name = self.r.choice(functions)
            arguments = ", ".join(self.value(kind) for kind in neighbour.functions[name][0])
            return "%s(%s)" % (self.of_neighbour(neighbour, name), arguments)
        if neighbour.names["list"] and self.maybe(0.6):
            return "%s.append(%s)" % (self.of_neighbour(neighbour, self.r.choice(neighbour.names["list"])), self.value("int"))
        if neighbour.names["int"] and neighbour.name in self.modules:
            return "setattr(%s, %r, %s)" % (self.modules[neighbour.name], self.r.choice(neighbour.names["int"]), self.small())
        return self.change_list()

    def change_process(self):
        i = self.small()
        return self.pick(
            lambda: "%s.seed(%s)" % (self.std("random"), i),
            lambda: "%s.random()" % self.std("random"),
            lambda: "%s.environ.update(HOIST_P=%r)" % (self.std("os"), i),
            lambda: "%s.environ.setdefault('HOIST_P', %r)" % (self.std("os"), i),
            lambda: "%s.simplefilter(%r)" % (self.std("warnings"), self.pick("error", "ignore", "always")),
            lambda: "%s.path.append('/hoist/%s')" % (self.std("sys"), i),
            lambda: "setattr(%s.getcontext(), 'prec', %s)" % (self.std("decimal"), 3 + int(i)),
            lambda: "%s.getLogger('p%s').setLevel(1%s)" % (self.std("logging"), i, i),
            lambda: "%s.setrecursionlimit(100%s)" % (self.std("sys"), i),
            lambda: "setattr(%s, 'HOIST_P', %s)" % (self.std("math"), i),
        )()

    def run_held(self):
        """Runs functions that something holds, or a generator that waits."""
        if self.lazy and self.maybe(0.5):
            return self.pick("list(%s)", "next(%s, 0)", "[*%s]", "sum(1 for _ in %s)", "dict(zip('ab', %s))") % self.r.choice(self.lazy)
        if not self.handlers:
            return self.run_function()
        held = self.r.choice(self.handlers)
        return self.pick(
            "%s['a']()" % held,
            "[h() for h in %s.values()]" % held,
            "list(map(lambda h: h(), %s.values()))" % held,
            "%s.get('b', print)()" % held,
            "%s.Thread(target=%s['a']).run()" % (self.std("threading"), held),
        )

    def run_foreign(self):
        """Runs a method of an object whose class is another module's."""
        if not self.foreign:
            return self.change_neighbour()
        name = self.r.choice(list(self.foreign))
        methods = sorted((method, kinds) for method, kinds in self.foreign[name].items() if not method.startswith("__"))
        if not methods:
            return "%s.shared.append(%s)" % (name, self.value("int"))
        method, kinds = self.r.choice(methods)
        if method.startswith("p_"):
            return "%s.%s" % (name, method)
        return "%s.%s(%s)" % (name, method, ", ".join(self.value(kind) for kind in kinds))

    def hold_functions(self):
        """Something that holds functions, generators that wait, names of methods, and objects of other modules."""
        way = self.r.randrange(11)
        plain = [name for name, (kinds, _) in self.functions.items() if not kinds]
        if way == 7:
            name = self.fresh("around")
            made = block("@%s.contextmanager\ndef %s():" % (self.std("contextlib"), name), self.effect(), block("try:", "yield %s" % self.known("list")) + "\n" + block("finally:", self.effect()))
            return made + "\n" + block("with %s() as inside:" % name, "inside.append(6)", self.effect())
        if way == 8:
            name, target = self.fresh("shown"), self.known("list")
            one = block("@%s.singledispatch\ndef %s(value):" % (self.std("functools"), name), "%s.append(1)" % target)
            two = block("@%s.register(str)\ndef _(value):" % name, "%s.append(2)" % self.known("list"), self.effect())
            return "%s\n%s\n%s('x'), %s(3)" % (one, two, name, name)
        if way == 9:
            name, target = self.fresh("route"), self.known("dicts")
            factory = block("def %s(key):" % name, block("def keep(function):", "%s.setdefault(key, []).append(function.__name__)" % target, "return function") + "\nreturn keep")
            kept = self.fresh("kept")
            return "%s\n@%s('a')\n%s" % (factory, name, block("def %s(p=%s):" % (kept, self.value("list")), self.effect()))
        if way == 10:
            name, other = self.fresh("Base"), self.fresh("Other")
            base = block("class %s(%s.ABC):" % (name, self.std("abc")), "seen = %s" % self.known("list"), block("@classmethod\ndef __subclasshook__(cls, other):", "cls.seen.append(other.__name__)", "return NotImplemented"))
            return "%s\n%s\nissubclass(%s, %s)" % (base, block("class %s:" % other, "pass"), other, name)
        if way == 0 and plain:
            name = self.fresh("handlers")
            self.handlers.append(name)
            return "%s = {'a': %s, 'b': lambda: %s}" % (name, self.r.choice(plain), self.effect())
        if way == 1:
            name = self.fresh("lazy")
            self.lazy.append(name)
            return "%s = (%s for _ in range(3))" % (name, self.effect())
        if way == 2:
            name = self.fresh("lazy")
            self.lazy.append(name)
            return block("def %s_():" % name, self.effect(), "yield 1", self.effect(), "yield 2") + "\n%s = %s_()" % (name, name)
        if way == 3 and self.instances:
            instance = self.r.choice(list(self.instances))
            methods = [method for method, kinds in self.classes[self.instances[instance]].items() if kinds and not method.startswith(("__", "p_"))]
            if methods:
                name, method = self.fresh("f"), self.r.choice(methods)
                self.functions[name] = (self.classes[self.instances[instance]][method], None)
                return "%s = %s.%s" % (name, instance, method)
        if way == 4 and plain:
            name = self.fresh("f")
            self.functions[name] = ([], self.functions[plain[0]][1])
            return "%s = %s" % (name, self.pick("%s.partial(%s)" % (self.std("functools"), plain[0]), plain[0], "lambda: %s()" % plain[0]))
        made = [(neighbour, name) for neighbour in self.neighbours for name in neighbour.classes if name.startswith("C")]
        if made:
            neighbour, kind = self.r.choice(made)
            name = self.fresh("theirs")
            self.foreign[name] = neighbour.classes[kind]
            return "%s = %s()" % (name, self.of_neighbour(neighbour, kind))
        return self.function()

    def change_class(self):
        if not self.classes:
            return self.change_dict()
        name = self.r.choice(list(self.classes))
        return self.pick(
            "setattr(%s, 'extra', %s)" % (name, self.value("int")),
            "%s.shared.append(%s)" % (name, self.value("int")),
            "setattr(%s, 'shared', %s)" % (name, self.known("list")),
        )

    # Places: statements in which an expression is evaluated.

    def place(self, effect):
        """A statement that evaluates an effect, whatever else it does."""
        return self.pick(
            lambda: effect,
            lambda: effect,
            lambda: effect,
            lambda: "%s = %s, 0" % (self.fresh("unused"), effect),
            lambda: "print(%s)" % effect,
            lambda: block("if %s:" % effect, "pass"),
            lambda: block("if %s:" % self.value("int"), effect) + "\n" + block("else:", self.effect()),
            lambda: block("for _ in range(2):", effect),
            lambda: block("for _ in [%s]:" % effect, "pass"),
            lambda: block("try:", effect, "raise ValueError(1)") + "\n" + block("except ValueError as error:", self.effect()),
            lambda: block("try:", effect) + "\n" + block("finally:", self.effect()),
            lambda: block("try:", effect, "1 / 0") + "\n" + block("except ZeroDivisionError:", "pass") + "\n" + block("else:", self.effect()),
            lambda: block("with %s.nullcontext(%s) as %s:" % (self.std("contextlib"), self.known("list"), "entered"), effect, "entered.append(1)"),
            lambda: block("with %s.suppress(Exception):" % self.std("contextlib"), effect, "raise KeyError", self.effect()),
            lambda: block("while True:", effect, "break"),
            lambda: "assert [%s]" % effect,
            lambda: "%s: int = len([%s])" % (self.fresh("annotated"), effect),
            lambda: "%s: [%s] = 1" % (self.fresh("annotated"), effect),
            lambda: block("def %s(p=%s):" % (self.fresh("made"), effect), "return p"),
            lambda: block("class %s:" % self.fresh("Made"), effect),
            lambda: block("class %s:" % self.fresh("Made"), "x = [%s]" % effect),
            lambda: "%s = [%s for _ in range(2)]" % (self.fresh("unused"), effect),
            lambda: "%s = lambda p=%s: p" % (self.fresh("unused"), effect),
            lambda: "%s = f'{%s}'" % (self.fresh("unused"), effect.replace("'", '"')),
            lambda: "%s and %s" % (self.value("int"), effect),
            lambda: "(%s) if %s else (%s)" % (effect, self.value("int"), self.effect()),
            lambda: "dict(k=%s)" % effect,
            lambda: "print(*[%s])" % effect,
            lambda: "%s[len([%s]) - 1:0] = [%s]" % (self.known("list"), effect, self.small()),
            lambda: "(lambda: %s)()" % effect,
            lambda: "if %s: pass" % effect,
            lambda: "%s; %s" % (effect, self.effect()),
            lambda: "%s = len([%s]); %s = %s" % (self.fresh("unused"), effect, self.new_name("int"), self.small()),
            lambda: block("match %s:" % self.value("list"), block("case [first, *rest]:", effect, "rest.append(first)"), block("case _:", self.effect()))
            if HAS_MATCH
            else effect,
            lambda: block("async def %s():" % self.fresh("co"), effect) + "\n%s.run(co%d())" % (self.std("asyncio"), self.count),
            lambda: block("def %s():" % self.fresh("gen"), "yield %s" % effect, "yield 2") + "\n" + self.pick("list(gen%d())", "next(gen%d())", "for _ in gen%d(): pass") % self.count,
        )()

    # Statements that bind.

    def bind(self):
        kind = self.r.choice(list(STEMS))
        value = self.value(kind)
        name = self.new_name(kind)
        return self.pick(
            lambda: "%s = %s" % (name, value),
            lambda: "%s = %s" % (name, value),
            lambda: "%s = %s" % (name, value),
            lambda: "%s = other = %s" % (name, value),
            lambda: "%s, %s = %s, %s" % (name, self.new_name("int"), value, self.value("int")),
            lambda: "(%s, *rest), last = (%s, 1, 2), 3" % (name, value),
            lambda: "print(%s := %s)" % (name, value),
            lambda: "[%s := q for q in [%s]]" % (name, value),
            lambda: "%s: object = %s" % (name, value),
            lambda: block("if %s:" % self.value("int"), "%s = %s" % (name, value)) + "\n" + block("else:", "%s = %s" % (name, self.value(kind))),
            lambda: block("try:", "%s = %s" % (name, value), self.pick("pass", "1 / 0")) + "\n" + block("except ZeroDivisionError as error:", "%s = %s" % (name, self.value(kind))),
            lambda: block("for %s in [%s, %s]:" % (name, self.value(kind), value), self.effect()),
            lambda: block("for index, %s in enumerate([%s]):" % (name, value), self.effect()),
            lambda: block("with %s.nullcontext(%s) as %s:" % (self.std("contextlib"), value, name), self.effect()),
            lambda: block("while not %s:" % self.small(), "%s = %s" % (name, value), "break") + "\n" + block("else:", "%s = %s" % (name, self.value(kind))),
            lambda: "globals()[%r] = %s" % (name, value),
            lambda: "setattr(%s.modules[__name__], %r, %s)" % (self.std("sys"), name, value),
            lambda: "exec(%r)" % ("%s = %s" % (name, value)),
            lambda: block("def %s():" % self.fresh("setter"), "global %s" % name, "%s = %s" % (name, value), self.effect()) + "\nsetter%d()" % self.count,
            lambda: block("class %s:" % self.fresh("Binder"), "global %s" % name, "%s = %s" % (name, value)),
            lambda: "%s = %s\ndel %s\n%s = %s" % (name, value, name, name, self.literal(kind)),
            lambda: "%s = %s" % (name, value) + "  # kept\n" + "%s = %s" % (name, self.value(kind)),
            lambda: block("match [%s]:" % value, block("case [%s]:" % name, "pass")) if HAS_MATCH else "%s = %s" % (name, value),
        )()

    def assign_into(self):
        """Assignments to items, attributes and slices, and augmented ones."""
        i = self.value("int")
        target = self.value("list") if self.maybe(0.4) else self.known("list")
        return self.pick(
            lambda: "%s[0:0] = [%s]" % (target, i),
            lambda: "%s += [%s]" % (self.known("list"), i),
            lambda: "%s *= 2" % self.known("list"),
            lambda: "%s += %s" % (self.known("int"), i),
            lambda: "%s[%s] = %s" % (self.known("dict"), self.key(), i),
            lambda: "%s[%s] = %s" % (self.known("dicts"), self.key(), self.value("list")),
            lambda: "%s['a'] += [%s]" % (self.known("dicts"), i),
            lambda: "%s.v = %s" % (self.known("box"), i),
            lambda: "%s.v += %s" % (self.known("box"), i),
            lambda: "%s.w = %s" % (self.known("box"), self.value("list")),
            lambda: "%s.w[:] = [%s]" % (self.known("box"), i),
            lambda: "%s.extra = %s" % (self.known("box"), self.known("list")),
            lambda: "%s[0] = %s" % (self.known("lists"), self.value("list")),
            lambda: "%s[0] += [%s]" % (self.known("lists"), i),
            lambda: "%s |= {%s}" % (self.known("set"), i),
            lambda: "del %s[:1]" % target,
            lambda: "del %s[%s]" % (self.known("dict"), self.key()),
            lambda: "%s, %s = %s, %s" % ((self.known("list"), self.known("list")) * 2),
            lambda: block("for %s[%s] in range(2):" % (self.known("dict"), self.key()), "pass"),
            lambda: block("for %s.v in [%s]:" % (self.known("box"), i), "pass"),
            lambda: block("for q in %s:" % self.known("lists"), "q.append(%s)" % i),
            lambda: block("for k, q in %s.items():" % self.known("dicts"), "q += [%s]" % i),
            lambda: block("for q in (%s, %s):" % (self.known("list"), self.known("list")), "q.append(%s)" % i),
            lambda: "%s = %s.append\n%s(%s)" % (self.fresh("push"), target, "push%d" % self.count, i),
            lambda: "(%s.v, %s[%s]) = %s, %s" % (self.known("box"), self.known("dict"), self.key(), i, self.small()),
            lambda: "%s, *%s.w = [%s, 1, 2]" % (self.known("int"), self.known("box"), i),
        )()

    # Functions and classes.

    def observation(self, kinds=None):
        """An expression that looks at a few names."""
        parts = [self.known(self.r.choice(list(STEMS))) for _ in range(self.r.randrange(1, 3))]
        parts = ["list(%s.islice(%s, 3))" % (self.std("itertools"), part) if part.startswith("it") else part for part in parts]
        if self.maybe(0.25):
            parts.append(self.value(self.pick("int", "list", "str")))
        if self.instances and self.maybe(0.25):
            parts.append(self.r.choice(list(self.instances)))
        if self.classes and self.maybe(0.15):
            name = self.r.choice(list(self.classes))
            parts.append(self.pick("%s.shared", "%s.extra", "sorted(vars(%s))", "%s.__mro__[-2].__name__") % name)
        if self.maybe(0.12):
            parts.append(self.state())
        if self.maybe(0.15) and (self.foreign or self.lazy or self.handlers):
            parts.append(self.run_foreign() if self.foreign else self.run_held())
        if self.functions and self.maybe(0.2):
            parts.append(self.call(self.r.choice(list(self.functions))))
        return "[%s]" % ", ".join(parts)

    def state(self):
        return self.pick(
            lambda: "%s.random()" % self.std("random"),
            lambda: "%s.environ.get('HOIST_P')" % self.std("os"),
            lambda: "[p for p in %s.path if 'hoist/' in p]" % self.std("sys"),
            lambda: "%s.getcontext().prec" % self.std("decimal"),
            lambda: "[f[0] for f in %s.filters][:2]" % self.std("warnings"),
            lambda: "getattr(%s, 'HOIST_P', None)" % self.std("math"),
            lambda: "%s.getLogger('p3').level" % self.std("logging"),
        )()

    def parameters(self):
        """Parameters as they are written, and the kinds of those that a call must give."""
        kinds = [self.r.choice(["int", "list", "dict", "str"]) for _ in range(self.pick(0, 0, 1, 1, 2))]
        names = ["p%d" % at for at in range(len(kinds))]
        written = list(names)
        if self.maybe(0.35):
            written.append("q=%s" % self.value(self.pick("int", "list", "dict")))
        if self.maybe(0.15):
            written.append("*rest")
        if self.maybe(0.15):
            written.append(("" if "*rest" in written else "*, ") + "only=%s" % self.value("list"))
        if self.maybe(0.1):
            written.append("**more")
        return ", ".join(written), list(zip(names, kinds)), kinds

    def function_body(self, parameters, result):
        lines = []
        if self.maybe(0.2):
            lines.append('"""Does something."""')
        for name, kind in parameters:
            if self.maybe(0.5):
                change = {"list": "%s.append(5)", "dict": "%s.update(z=5)", "int": "%s += 1", "str": "%s += 'q'"}[kind]
                lines.append(change % name)
        if self.maybe(0.3):
            name = self.known(self.pick("int", "list", "str"))
            if not any(name in line for line in lines):
                lines += ["global " + name, "%s = %s" % (name, self.pick(name, name, self.value("list" if name[0] == "x" else "int" if name[0] == "n" else "str")))]
                if name[0] == "n":
                    lines.append("%s += 1" % name)
        if self.maybe(0.4):
            lines.append(self.effect())
        if self.maybe(0.2):
            lines += ["local = %s" % self.known("list"), "local.append(%s)" % self.small()]
        if self.maybe(0.15):
            lines.append("print('in', %s)" % self.value("int"))
        if self.maybe(0.15):
            lines.append(block("def inner(i):", "nonlocal held", "held += i", self.effect(), "return held"))
            lines.insert(len(lines) - 1, "held = 0")
            lines.append("inner(%s)" % self.small())
        if self.maybe(0.1):
            lines.append(block("for i in range(3):", block("if i == %s:" % self.small(), "continue"), self.effect()))
        if self.maybe(0.08):
            lines.append(block("if len(%s) > 3:" % self.known("list"), "raise ValueError(%s)" % self.value("str")))
        given = [name for name, kind in parameters if kind == result]
        if result:
            lines.append("return %s" % (self.r.choice(given) if given and self.maybe(0.6) else self.value(result)))
        return lines or ["pass"]

    def function(self):
        written, parameters, kinds = self.parameters()
        result = self.pick(None, "int", "list", "list", "dict", "lists")
        body = self.function_body(parameters, result)
        head, name = "", self.fresh("f")
        decorator = self.r.randrange(16)
        if decorator == 0 and not kinds:
            head = "@%s.lru_cache(None)\n" % self.std("functools")
        elif decorator == 1:
            head = "@%s\n" % self.decorator()
            self.registered.add(name)
        text = head + block("def %s(%s):" % (name, written), *body)
        if decorator == 2 and not kinds:
            text = "%s = lambda %s: %s" % (name, "q=%s" % self.value("list") if self.maybe(0.4) else "", self.value("list"))
            result = "list"
        if decorator == 3 and self.functions:
            name = self.r.choice(list(self.functions))
            kinds, result = self.functions[name]
            text = block("def %s(*given, **named):" % name, self.effect(), "return %s" % (self.value(result) if result else "None"))
        if decorator == 4:
            text = block("if %s:" % self.value("int"), text) + "\n" + block("else:", block("def %s(%s):" % (name, written), "return %s" % (self.value(result) if result else "None")))
        self.functions[name] = (kinds, result)
        return text

    def decorator(self):
        """The name of a decorator of the module that keeps what it decorates, or counts its calls."""
        known = [name for name in self.modules if isinstance(name, str) and name.startswith("decorator")]
        if known and self.maybe(0.6):
            return self.r.choice(known)
        name = self.fresh("decorator")
        self.modules[name] = name
        if self.maybe(0.5):
            target = self.known("dict")
            self.add(block("def %s(function):" % name, "%s[function.__name__] = len(%s)" % (target, target), "return function"))
        else:
            target = self.known("list")
            inner = block("def wrapper(*given, **named):", "%s.append(len(given))" % target, "return function(*given, **named)")
            self.add(block("def %s(function):" % name, "@%s.wraps(function)\n%s" % (self.std("functools"), inner), "return wrapper"))
        return name

    def closure(self):
        """A function that is made by another, with a state of its own."""
        maker, name = self.fresh("make"), self.fresh("f")
        state = self.pick("held = [%s]" % self.small(), "held = %s" % self.known("list"))
        inner = block("def step():", "held.append(len(held))", self.effect(), "return held")
        self.functions[name] = ([], "list")
        return block("def %s():" % maker, state, inner, "return step") + "\n%s = %s()" % (name, maker)

    def klass(self):
        name = self.fresh("C")
        methods = {}
        body = ["shared = %s" % self.value("list")]
        if self.maybe(0.3):
            body.append("level: int = %s" % self.value("int"))
        body.append(block("def __init__(self, size=%s):" % self.value("int"), "self.size = size", "self.own = %s" % self.value("list"), *([self.effect()] if self.maybe(0.3) else [])))
        for _ in range(self.r.randrange(1, 4)):
            way = self.r.randrange(9)
            own = self.pick("self.own.append(%s)" % self.small(), "self.size += 1", "self.shared.append(%s)" % self.small(), self.effect(), "type(self).level = %s" % self.small())
            if way < 3:
                method = self.fresh("m")
                methods[method] = [self.pick("int", "list")]
                body.append(block("def %s(self, p):" % method, own, self.pick("return self.own", "return p", "return (self.size, p)")))
            elif way == 3:
                method = self.fresh("p_")
                methods[method] = []
                body.append("@property\n" + block("def %s(self):" % method, own, "return self.size"))
                body.append("@%s.setter\n" % method + block("def %s(self, value):" % method, self.effect(), "self.size = value"))
            elif way == 4:
                method = self.pick("__call__", "__getitem__", "__add__", "__contains__")
                methods[method] = ["int"]
                body.append(block("def %s(self, p):" % method, own, "return [self.size, p]"))
            elif way == 5:
                method = self.fresh("m")
                body.append("@classmethod\n" + block("def %s(cls, p=1):" % method, "cls.shared.append(p)", "return cls.shared"))
                methods[method] = ["int"]
            elif way == 6:
                method = self.fresh("m")
                body.append("@staticmethod\n" + block("def %s(p):" % method, self.effect(), "return p"))
                methods[method] = ["list"]
            elif way == 7:
                method = self.pick("__enter__", "__iadd__", "__getattr__", "__next__")
                written = {"__iadd__": "self, p", "__getattr__": "self, name"}.get(method, "self")
                # Who looks for what is not there must not look for it again.
                lines = [own] if method != "__getattr__" else [block("if name != 'missing':", "raise AttributeError(name)"), own]
                body.append(block("def %s(%s):" % (method, written), *lines, "return %s" % ("self" if method == "__iadd__" else "self.own")))
                if method == "__enter__":
                    body.append(block("def __exit__(self, *raised):", self.effect()))
                methods[method] = []
            else:
                method = self.pick("__len__", "__bool__", "__repr__", "__iter__")
                result = {"__len__": "return 3", "__bool__": "return True", "__iter__": "return iter(self.own)"}.get(method)
                body.append(block("def %s(self):" % method, *([own] if method != "__repr__" or self.maybe(0.3) else []), result or "return f'<{self.size} {%s}>'" % self.known("list")))
                methods[method] = []
        bases = [base for base in self.classes if not base.startswith("Record")]
        base = self.r.choice(bases) if bases and self.maybe(0.3) else None
        way = self.r.randrange(10)
        head = "class %s(%s):" % (name, base) if base else "class %s:" % name
        if way == 0 and not base:
            target = self.known("dict")
            body.append(block("def __init_subclass__(cls, **more):", "super().__init_subclass__(**more)", "%s[cls.__name__] = len(%s)" % (target, target)))
        elif way == 1 and not base:
            meta, target = self.fresh("Meta"), self.known("list")
            self.add(block("class %s(type):" % meta, block("def __new__(meta, name, bases, names):", "%s.append(name)" % target, "return super().__new__(meta, name, bases, names)")))
            head = "class %s(metaclass=%s):" % (name, meta)
        elif way == 2:
            descriptor, target = self.fresh("Field"), self.known("list")
            self.add(block("class %s:" % descriptor, block("def __set_name__(self, owner, name):", "%s.append(name)" % target), block("def __get__(self, instance, owner):", "return %s" % target)))
            body.append("field = %s()" % descriptor)
        if base:
            methods = dict(self.classes[base], **methods)
        self.classes[name] = methods
        text = block(head, *body)
        if way == 3:
            text = "@%s\n" % self.decorator() + text
        return text

    def record(self):
        """A dataclass, an enumeration or a named tuple."""
        name = self.fresh("Record")
        way = self.r.randrange(3)
        if way == 0:
            module = self.std("dataclasses")
            self.classes[name] = {}
            return "@%s.dataclass\n" % module + block(
                "class %s:" % name,
                "size: int = %s" % self.value("int"),
                "own: list = %s.field(default_factory=lambda: %s)" % (module, self.value("list")),
                "shared = []",
                block("def __post_init__(self):", self.effect()),
            )
        if way == 1:
            self.classes[name] = {}
            return block("class %s(%s.Enum):" % (name, self.std("enum")), "A = %s" % self.value("int"), "B = 'b'", block("def label(self):", "return %s, self.name" % self.known("list"))) + "\n%s = %s.A.label()[0]" % (self.new_name("list"), name)
        self.classes[name] = {}
        return block("class %s(%s.NamedTuple):" % (name, self.std("typing")), "size: int = %s" % self.value("int"), "own: list = %s" % self.value("list"))

    def instance(self):
        plain = [name for name in self.classes if name.startswith("C")]
        if not plain:
            return self.klass()
        name, kind = self.fresh("obj"), self.r.choice(plain)
        self.instances[name] = kind
        return "%s = %s(%s)" % (name, kind, self.value("int") if self.maybe(0.5) else "")

    def change_object(self):
        if not self.instances:
            return self.instance()
        name = self.r.choice(list(self.instances))
        kind = self.instances[name]
        return self.pick(
            lambda: "%s.size = %s" % (name, self.value("int")),
            lambda: "%s.own = %s" % (name, self.value("list")),
            lambda: "%s.own.append(%s)" % (name, self.small()),
            lambda: "%s.shared.append(%s)" % (kind, self.small()),
            lambda: "%s.shared = %s" % (kind, self.value("list")),
            lambda: "%s.extra = %s" % (kind, self.value("list")),
            lambda: "%s.extra = lambda self: %s" % (kind, self.value("list")),
            lambda: "%s = %s" % (self.new_name("list"), "%s.own" % name),
            lambda: "%s = %s.shared" % (self.new_name("list"), kind),
            lambda: "%s.append(%s)" % (self.fresh("all"), name) if False else "%s = [%s]\n%s[0].size += 1" % (self.fresh("all"), name, "all%d" % self.count),
            lambda: block("with %s.nullcontext(%s) as entered:" % (self.std("contextlib"), name), "entered.own.append(3)"),
            lambda: block("with %s as entered:" % name, "entered.append(4)"),
            lambda: "%s += 1" % name,
            lambda: "%s, other = %s, %s" % (self.fresh("also"), name, name) + "\nother.size = 9",
        )()

    def function_attribute(self):
        if not self.functions:
            return self.function()
        name = self.r.choice(list(self.functions))
        return self.pick(
            "%s.calls = %s" % (name, self.value("list")),
            "setattr(%s, 'calls', %s)" % (name, self.value("int")),
            "%s.__doc__ = %s" % (name, self.value("str")),
        )

    def of_others(self):
        """Statements about other modules."""
        if not self.neighbours:
            return self.bind()
        neighbour = self.r.choice(self.neighbours)
        kind = self.pick("int", "list", "dict", "dicts")
        if not neighbour.names[kind]:
            return self.place(self.change_neighbour())
        name = self.r.choice(neighbour.names[kind])
        way = self.r.randrange(7)
        if way == 0:
            self.names[kind].append(name)
            return "from %s import %s" % (self.relative(neighbour.name), name)
        if way == 1:
            for each, names in neighbour.names.items():
                self.names[each] += [one for one in names if one not in self.names[each]]
            return "from %s import *" % self.relative(neighbour.name)
        if way == 2:
            inner = self.value(kind)
            self.names[kind].append(name)
            return block("try:", "from %s import %s" % (self.relative(neighbour.name), name)) + "\n" + block("except ImportError:", "%s = %s" % (name, inner))
        other = self.of_neighbour(neighbour, name)
        if way == 3 and "." in other:
            return "%s = %s" % (other, self.value(kind))
        if way == 4:
            return "%s = %s" % (self.new_name(kind), other)
        if way == 5 and neighbour.functions and "." in other:
            return "%s.%s = lambda *given: %s" % (other.rpartition(".")[0], self.r.choice(list(neighbour.functions)), self.value("list"))
        return self.place(self.change_neighbour())

    def set_up(self):
        """What modules do with the process, with files, and with their own texts."""
        options = [
            lambda: self.place(self.change_process()),
            lambda: "%s.seed(%s)" % (self.std("random"), self.small()),
            lambda: "%s.filterwarnings(%r)" % (self.std("warnings"), self.pick("error", "ignore")),
            lambda: "__all__ = %r" % sorted(self.r.sample(sum(self.names.values(), []), min(3, len(sum(self.names.values(), []))))),
            lambda: block("if __name__ == '__main__':", self.effect()),
            lambda: block("if %s.TYPE_CHECKING:" % self.std("typing"), "import nowhere"),
            lambda: block("try:", "import nowhere") + "\n" + block("except ImportError:", "nowhere = %s" % self.value("list")),
            lambda: "list = list",
        ]
        for path in self.data:
            target = self.new_name("str")
            options += [
                lambda: block("with open(%s.path.join(%s.path.dirname(__file__), %r)) as handle:" % (self.std("os"), self.std("os"), path), "%s = handle.read()" % target),
                lambda: "%s = (%s.Path(__file__).parent / %r).read_text()" % (target, self.std("pathlib"), path),
            ]
            if "." not in self.name:
                options.append(lambda: "%s = open(%r).read()" % (target, path))
        return self.r.choice(options)()

    def observer(self):
        """A function that is an entry: it looks, and may change what it looks at."""
        name = self.fresh("look")
        written, parameters, kinds = self.parameters()
        lines = self.function_body(parameters, None) if self.maybe(0.35) else []
        lines = [line for line in lines if line != "pass"]
        shown = self.observation()
        way = self.r.randrange(12)
        if way == 0:
            text = block("async def %s(%s):" % (name, written), *lines, "return %s" % shown)
        elif way == 1:
            text = block("def %s(%s):" % (name, written), *lines, "yield %s" % shown, "yield %s" % self.value("int"))
        elif way == 2 and "global" not in " ".join(lines):
            text = "%s = lambda: %s" % (name, shown)
            kinds = []
        elif way == 3:
            text = block("def %s(%s):" % (name, written), *lines, block("class Local:", "x = %s" % shown), "return Local.x")
        elif way == 4:
            text = block("def %s(%s):" % (name, written), *lines, "print(%s)" % shown, "return [(lambda k=i: (k, %s))() for i in range(2)]" % self.value("list"))
        else:
            text = block("def %s(%s):" % (name, written), *lines, "return %s" % shown)
        self.looks[name] = kinds
        return text

    # The whole.

    def write(self, length):
        self.looks = {}
        if self.maybe(0.4):
            self.add('"""What the module is for."""')
        if self.maybe(0.15):
            self.add("from __future__ import annotations")
        kinds = (
            [self.bind] * 7
            + [lambda: self.place(self.effect())] * 7
            + [self.assign_into] * 4
            + [self.function] * 4
            + [self.observer] * 3
            + [self.klass, self.instance, self.instance, self.change_object, self.change_object, self.closure, self.record]
            + [self.hold_functions, self.hold_functions]
            + [self.function_attribute, self.of_others, self.of_others, self.set_up, self.set_up]
        )
        has_cells = length > 10 and self.maybe(0.4)
        for _ in range(length):
            if has_cells and self.maybe(0.25):
                self.add("# %%")
            self.add(self.r.choice(kinds)())
        for _ in range(3):
            self.add(self.observer())
        return self.text()

    def text(self):
        return "\n".join(self.statements) + "\n"


# What is left of a module once it has been run.


def run(folder, file, name):
    """The number of the line of the file that raises when it is imported; 0 when none does, None when it does not end."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = b"-1"
        try:
            os.close(read)
            import signal

            signal.alarm(LONGEST_RUN)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            os.chdir(folder)
            sys.path.insert(0, folder)
            sys.dont_write_bytecode = True
            try:
                __import__(name)
                code = b"0"
            except BaseException as error:
                trace, line = error.__traceback__, None
                while trace:
                    if trace.tb_frame.f_code.co_filename == os.path.join(folder, file) and line is None:
                        line = trace.tb_lineno
                    trace = trace.tb_next
                if isinstance(error, SyntaxError) and error.filename == os.path.join(folder, file):
                    line = error.lineno
                code = str(line or 1).encode()
            os.write(write, code)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return int(text) if text else None


def settle(folder, file, name, statements):
    """Takes statements that raise out again; False when the module still raises after many of them."""
    path = os.path.join(folder, file)
    for _ in range(12):
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(statements) + "\n")
        line = run(folder, file, name)
        if line == 0:
            return True
        if line is None:
            return False
        at = 0
        for index, statement in enumerate(statements):
            at += statement.count("\n") + 1
            if line <= at:
                del statements[index]
                break
        else:
            return False
    return False


def words(node):
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found.add(each.attr)
        elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(each.name)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.update(re.findall(r"\w+", each.value))
    return found


def run_at_top_level(tree):
    """The words of all that the top level may run, through the functions that it names."""
    later, reached = {}, set()

    def look(body):
        for stmt in body:
            if isinstance(stmt, (ast.FunctionDef, ast.AsyncFunctionDef)):
                # Its defaults and decorators run now, and a decorator may run it.
                for node in stmt.decorator_list + stmt.args.defaults + [each for each in stmt.args.kw_defaults if each]:
                    reached.update(words(node))
                if stmt.decorator_list:
                    reached.add(stmt.name)
                mine = set()
                for node in stmt.body:
                    mine |= words(node)
                later.setdefault(stmt.name, set()).update(mine)
            elif isinstance(stmt, ast.ClassDef):
                for node in stmt.decorator_list + stmt.bases + [keyword.value for keyword in stmt.keywords]:
                    reached.update(words(node))
                look(stmt.body)
                # Whoever has an instance may run what Python calls by itself.
                dunders = {each.name for each in stmt.body if isinstance(each, ast.FunctionDef) and each.name.startswith("__")}
                later.setdefault(stmt.name, set()).update(dunders)
            elif isinstance(stmt, ast.Assign) and isinstance(stmt.value, ast.Lambda) and isinstance(stmt.targets[0], ast.Name):
                for node in stmt.value.args.defaults:
                    reached.update(words(node))
                later.setdefault(stmt.targets[0].id, set()).update(words(stmt.value.body))
            elif isinstance(stmt, (ast.If, ast.Try)):
                for part in ("test",):
                    if hasattr(stmt, part):
                        reached.update(words(getattr(stmt, part)))
                look(stmt.body), look(stmt.orelse), look(getattr(stmt, "finalbody", []))
                for handler in getattr(stmt, "handlers", []):
                    look(handler.body)
            elif isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant):
                pass
            else:
                reached.update(words(stmt))

    look(tree.body)
    while True:
        more = {word for name in reached & set(later) for word in later[name]}
        if more <= reached:
            return reached
        reached |= more


def entries(writer, text):
    """What may be run of a module, each with arguments."""
    tree = ast.parse(text)
    reached = run_at_top_level(tree)
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    values = [name for names in writer.names.values() for name in names if name in bound]

    def arguments(kinds):
        given = []
        for kind in kinds:
            names = [name for name in writer.names[kind] if name in values]
            if names and writer.maybe(0.4):
                given.append(writer.r.choice(names))
            else:
                given.append({"int": "3", "list": "[4, 1]", "dict": "{'a': 2}", "str": "'w'"}[kind])
        return ", ".join(given)

    found = []
    for name, kinds in list(writer.looks.items()) + [(name, kinds) for name, (kinds, _) in writer.functions.items()]:
        if name in bound and name not in reached and name not in writer.registered:
            found.append({"entry": name, "args": arguments(kinds)})
    for stmt in tree.body:
        if isinstance(stmt, ast.ClassDef) and stmt.name in writer.classes:
            for method in stmt.body:
                if not isinstance(method, ast.FunctionDef) or method.name in reached or method.name.startswith(("__", "p_")):
                    continue
                marks = [mark.id for mark in method.decorator_list if isinstance(mark, ast.Name)]
                kinds = writer.classes[stmt.name].get(method.name)
                if kinds is not None:
                    given = arguments(kinds)
                    found.append({"entry": "%s.%s" % (stmt.name, method.name), "args": given if marks else "%s(2), %s" % (stmt.name, given)})
    return found + lines(writer, tree)


def lines(writer, tree):
    """Some lines with statements that do more than define something."""
    defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    found = []
    for _ in range(3):
        at = writer.r.randrange(len(tree.body))
        chosen = tree.body[at : at + writer.pick(1, 1, 2, 3)]
        if all(isinstance(stmt, defines) for stmt in chosen):
            continue
        first = min([chosen[0].lineno] + [mark.lineno for mark in getattr(chosen[0], "decorator_list", [])])
        found.append({"entry": "%d-%d" % (first, chosen[-1].end_lineno), "args": ""})
    return found


def programme(folder, seed):
    """Writes the programme of a seed and gives what can be run of it; None when a module of it cannot be loaded."""
    r = random.Random(seed)
    os.makedirs(folder)
    data = ["data.txt"]
    for path in data:
        with open(os.path.join(folder, path), "w") as out:
            out.write("data of %d\n" % seed)
    plan = []
    if r.random() < 0.7:
        plan.append(("helper.py", "helper", 8))
    if r.random() < 0.5:
        plan += [("pkg/__init__.py", "pkg", 3), ("pkg/state.py", "pkg.state", 7)]
        os.mkdir(os.path.join(folder, "pkg"))
        with open(os.path.join(folder, "pkg", "data.txt"), "w") as out:
            out.write("data of the package\n")
        if r.random() < 0.5:
            plan.append(("pkg/inner/__init__.py", "pkg.inner", 2))
            plan.append(("pkg/inner/deep.py", "pkg.inner.deep", 6))
            os.mkdir(os.path.join(folder, "pkg", "inner"))
        if r.random() < 0.4:
            plan.append(("pkg/main.py", "pkg.main", 16))
    plan.append(("main.py", "main", r.randrange(8, 26)))
    neighbours, modules = [], []
    for file, name, length in plan:
        # The `__init__.py` of a package runs before its modules.
        seen = [each for each in neighbours if name not in each.name]
        top = folder if "." not in name and file.count("/") == 0 else os.path.join(folder, "pkg")
        here = [path for path in data if os.path.exists(os.path.join(top, path)) and "inner" not in file]
        writer = Writer(r, name + ".__init__" if file.endswith("__init__.py") else name, seen, here)
        writer.write(length)
        if not settle(folder, file, name, writer.statements):
            return None
        neighbours.append(Neighbour(name, writer))
        modules.append({"file": file, "name": name, "entries": entries(writer, writer.text())})
    return {"seed": seed, "modules": modules}


def main():
    folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for seed in range(first, first + count):
        made = programme(os.path.join(os.path.abspath(folder), str(seed)), seed)
        print(json.dumps(made or {"seed": seed, "modules": []}), flush=True)


if __name__ == "__main__":
    main()
