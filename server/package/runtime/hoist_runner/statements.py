"""An entry that is a range of statements: its module is run, and the value of the last of them kept."""
import ast
import importlib.machinery


class Loader(importlib.machinery.SourceFileLoader):
    """Runs a module and keeps the value of the last of the chosen statements: of an expression, or of an assignment that
    is all that was chosen. A main block that holds chosen statements is gone into."""

    def __init__(self, name, path, first, last):
        super().__init__(name, path)
        self.lines = (first, last)
        self.value = None

    def is_chosen(self, statement):
        first, last = self.lines
        return first <= statement.lineno <= last

    def exec_module(self, module):
        tree = ast.parse(self.get_data(self.path), self.path)
        tree.body = [inner for statement in tree.body for inner in self.opened(statement)]
        chosen = [at for at, statement in enumerate(tree.body) if self.is_chosen(statement)]
        expression = value_of(tree.body[chosen[-1]], len(chosen) == 1) if chosen else None
        if expression is None:
            exec(compile(tree, self.path, "exec", dont_inherit=True), module.__dict__)
            return
        at = chosen[-1]
        after = tree.body[at + 1 :]
        # An expression is the value itself, an assignment runs before its names are read.
        del tree.body[at if isinstance(tree.body[at], ast.Expr) else at + 1 :]
        code = compile(tree, self.path, "exec", dont_inherit=True)
        # What `from __future__ import` in the module's head has set holds for the rest of it.
        flags = code.co_flags & FUTURE
        exec(code, module.__dict__)
        expression = ast.Expression(expression)
        self.value = eval(compile(expression, self.path, "eval", flags, dont_inherit=True), module.__dict__)
        if after:
            tree.body[:] = after
            exec(compile(tree, self.path, "exec", flags, dont_inherit=True), module.__dict__)

    def opened(self, statement):
        """The statement, or those in it when it is a main block with chosen ones."""
        if isinstance(statement, ast.If) and is_main_test(statement.test):
            if any(self.is_chosen(inner) for inner in statement.body):
                return statement.body
        return [statement]


def is_main_test(test):
    """`__name__ == "__main__"`, also with more conditions."""
    nodes = list(ast.walk(test))
    texts = [getattr(node, "value", getattr(node, "s", None)) for node in nodes]
    return "__main__" in [text for text in texts if isinstance(text, str)] and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in nodes
    )


def value_of(statement, alone):
    """An expression for the value of a statement, or None."""
    if isinstance(statement, ast.Expr):
        return statement.value
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    if not alone or not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return None
    names = [node for node in ast.walk(targets[0]) if not isinstance(node, ast.expr_context)]
    if not all(isinstance(node, (ast.Name, ast.Tuple, ast.List)) for node in names):
        return None
    return loaded(targets[0])


def loaded(target):
    """The names of a target, to be read."""
    if isinstance(target, ast.Name):
        read = ast.Name(id=target.id, ctx=ast.Load())
    else:
        read = ast.Tuple(elts=[loaded(each) for each in target.elts], ctx=ast.Load())
    return ast.copy_location(read, target)


FUTURE = 0
for feature in __import__("__future__").all_feature_names:
    FUTURE |= getattr(__import__("__future__"), feature).compiler_flag
