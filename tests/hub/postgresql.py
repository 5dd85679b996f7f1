"""A PostgreSQL server of the test's own, from Debian's package: on loopback, in a folder of the test, not as root."""

import os
import subprocess
from pathlib import Path

from jlddev.support import debian_packages

from tests.ports import free_port

from .processes import Program

USER, DATABASE, PASSWORD = "jld", "hub", "pa55word-of-the-database"


class PostgreSQL:
    """Started with `start()`, and again after `stop()` with what it held.

    The folder is one that its user can reach. Those of pytest are not: each run closes them to everybody else, for the
    other runs on the machine too.
    """

    def __init__(self, directory: Path) -> None:
        debian_packages.ensure(debian_packages.POSTGRESQL, "the test of the hub's database")
        self._programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        # The server refuses to run as root; Debian's package made a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        self.port = free_port()
        self._data = directory / "data"
        directory.chmod(0o777)
        password = directory / "password"
        password.write_text(PASSWORD)
        self._run("initdb", "--pgdata", self._data, "--username", USER, "--auth", "scram-sha-256", "--pwfile", password)
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        # No crash is tested here: what is written need not reach the disk.
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={directory}", "-c", "fsync=off"]
        as_user = ["setpriv", "--reuid", self._user, "--regid", self._user, "--init-groups"] if self._user else []
        self.program = Program("postgresql", [*as_user, *command, *options], {}, directory)

    @property
    def url(self) -> str:
        """As an operator writes it."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        self.program.start()
        self.program.wait_until(self._answers)

    def stop(self) -> None:
        self.program.stop()

    def create_database(self) -> None:
        self.ask(f"CREATE DATABASE {DATABASE}", "postgres")

    def ask(self, statement: str, database: str = DATABASE) -> str:
        command = [self._programs / "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement]
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--username", USER, database]
        env = {"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD}
        return subprocess.run([*command, *place], env=env, check=True, capture_output=True, text=True).stdout.strip()

    def _answers(self) -> bool:
        command = [self._programs / "pg_isready", "--host", "127.0.0.1", "--port", str(self.port)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _run(self, program: str, *words: object) -> None:
        command = [str(self._programs / program), *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, user=self._user, group=self._user, cwd="/")
