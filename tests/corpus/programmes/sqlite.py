#> query('berlin') => [('Ada', 3), ('Zoë', 5)]
import sqlite3

SCHEMA = """
CREATE TABLE people (name TEXT, city TEXT, n INTEGER);
INSERT INTO people VALUES ('Zoë', 'berlin', 5), ('Ada', 'berlin', 3), ('Bob', 'rome', 9);
"""


def query(city):
    with sqlite3.connect(":memory:") as db:
        db.executescript(SCHEMA)
        return db.execute("SELECT name, n FROM people WHERE city = ? ORDER BY n", (city,)).fetchall()
