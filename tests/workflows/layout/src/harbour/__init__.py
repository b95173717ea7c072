"""Tides in a harbour: a project with its package under src, relative imports, and a table inside the package."""
