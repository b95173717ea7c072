#> total([('a', 2), ('b', 3)]) => (Order(lines=[Line(name='a', amount=2), Line(name='b', amount=3)]), 5, 'Line')
from __future__ import annotations

import typing
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    name: str
    amount: int = 1


@dataclass
class Order:
    lines: typing.List[Line] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)


def total(pairs):
    order = Order([Line(*pair) for pair in pairs])
    return order, order.amount, type(order.lines[0]).__name__
