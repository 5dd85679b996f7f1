"""Why the hub does not start."""


class DatabaseError(Exception):
    """The database cannot be used. Of the address, the message shows only host, port and database name."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentences = (sentence,)
