"""SQLite and file servers do not go together well: the history lives as long as the lab."""

c = get_config()  # noqa: F821 - IPython puts it into a config file's namespace
c.HistoryManager.hist_file = "/tmp/ipython-history.sqlite"  # noqa: S108 - the lab's own, empty at each start
