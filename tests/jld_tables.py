"""JLD's tables as the first JLD made them, before they had a version; and a version that is not there yet."""

from pathlib import Path

from jldhub.hub.tables.upgrade import VERSIONS

FIRST = """
CREATE TABLE jld_people (
    account VARCHAR(64) NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL, name VARCHAR(63) NOT NULL,
    uid INTEGER NOT NULL, PRIMARY KEY (account), UNIQUE (name), UNIQUE (uid));
CREATE TABLE jld_groups (
    group_key VARCHAR(64) NOT NULL, provider TEXT NOT NULL, name TEXT NOT NULL, gid INTEGER NOT NULL,
    PRIMARY KEY (group_key), UNIQUE (gid));
INSERT INTO jld_people VALUES ('a1', 'https://id.example.org', 'jane', 'jane', 2000000000);
INSERT INTO jld_groups VALUES ('b1', 'https://id.example.org', 'science', 2000000001);
"""
NEXT_VERSION = Path(__file__).with_name("table_versions") / "v0002_since.py"
WITH_NEXT = (*VERSIONS, NEXT_VERSION.parent)
