"""The command line of the operator's tool: each command is a module of its own in `commands`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from jld.command_line.report import ExitCode
from jld.commands.diff import diff
from jld.commands.docs import docs
from jld.commands.doctor import doctor
from jld.commands.explain import explain
from jld.commands.init import init
from jld.commands.installed import installed
from jld.commands.password import password
from jld.commands.rotate import rotate
from jld.commands.schema import schema
from jld.commands.values import check, values
from jld.support.masking import masked

# What typer raises for an unknown command, an unknown option, or a value that an option does not accept.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class _Group(TyperGroup):
    """A mistake in the command line is one of the input: exit code 1, where typer would end with 2."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _usage_errors_are_input_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _usage_errors_are_input_errors():
            return super().invoke(ctx)


@contextmanager
def _usage_errors_are_input_errors() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        error.exit_code = ExitCode.input_wrong  # type: ignore[attr-defined]
        error.message = masked(error.message)  # type: ignore[attr-defined]  # a PEM block starts as an option does
        raise


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Check the site file of a JLD platform, and write the values that its chart is installed with.\n\n"
    "A site file is a short YAML file that says what is special about your platform; `values/` holds examples.\n\n"
    "Examples:\n\n"
    "  jld init                                answer questions, get a site file\n\n"
    "  jld check site.yaml                     is it right?\n\n"
    "  jld explain hub.culling                 what does a key mean?\n\n"
    "  jld values site.yaml                    write values.yaml, with the secrets it needs\n\n"
    "  helm install jld ./chart -f values.yaml\n\n"
    "Exit codes: 0 good, 1 the input is wrong, 2 the environment is wrong.",
)
for command in (init, values, check, explain, diff, rotate, doctor, password, schema, docs, installed):
    app.command(command.__name__)(command)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
