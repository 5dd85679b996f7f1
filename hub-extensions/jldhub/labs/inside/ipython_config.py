"""The history of IPython is in the lab's /tmp, because SQLite's locks are unreliable on file servers.

It ends with the lab.
"""

c = get_config()  # noqa: F821 - IPython defines it in a config file's namespace
c.HistoryManager.hist_file = "/tmp/ipython-history.sqlite"  # noqa: S108 - the lab's own, empty at each start
