#> copy() => (True, 'Node', [1, [2]])
import copy as copier
import pickle


class Node:
    def __init__(self, *values):
        self.values = list(values)

    def plain(self):
        return [value.plain() if isinstance(value, Node) else value for value in self.values]


def copy():
    tree = Node(1, Node(2))
    again = pickle.loads(pickle.dumps(copier.deepcopy(tree)))
    return type(again) is Node, type(again).__qualname__.rpartition(".")[2], again.plain()
