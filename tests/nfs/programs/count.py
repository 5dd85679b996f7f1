"""count.py DATABASE TIMES: count up in an SQLite database, a transaction for each step."""

import sqlite3
import sys

database, times = sys.argv[1:]
connection = sqlite3.connect(database, timeout=90, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE IF NOT EXISTS counter (number INTEGER)")
connection.execute("INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT * FROM counter)")
connection.execute("COMMIT")
for _ in range(int(times)):
    connection.execute("BEGIN IMMEDIATE")
    (number,) = connection.execute("SELECT number FROM counter").fetchone()
    connection.execute("UPDATE counter SET number = ?", (number + 1,))
    connection.execute("COMMIT")
