#> odd(2, 3) => (6, [1, 2, 3], 'ab', 5)
import os, sys; from math import \
    prod as product
def odd(a,
b = 1,
        *,
    c = (1,
2)):
  x = a; y = b
  if x: values = [1,
2,
        3]
  text = 'a' \
'b'
  return (product((x, y)), values,
text, x + \
        y)
