"""The runner: unpacks the package, runs the entry in a process of its own and writes down what became of it.

`job` is the way through; `supervisor` watches from outside, `child` runs inside. Python 3.6, standard library only.
"""
