#> hints() => (['first', 'return'], 3, 'Stack')
#> nested hints refused: captures `T`
import typing
from typing import Generic, List, Optional, TypeVar

T = TypeVar("T")


class Stack(Generic[T]):
    def __init__(self) -> None:
        self.items: List[T] = []

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self

    def top(self) -> Optional[T]:
        return self.items[-1] if self.items else None


def pick(first: "List[int]") -> "Optional[int]":
    return first[0] if first else None


def hints():
    return sorted(typing.get_type_hints(pick)), Stack[int]().push(1).push(3).top(), Stack.__name__
