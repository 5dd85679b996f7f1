"""The command line: `python -m jldstorage.takeover --people LIST`, or `--person LINE` for each."""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from jldstorage.takeover.people import ListWrong, people_in
from jldstorage.takeover.run import TakeOver


def _say(sentence: str) -> None:
    print(f"jld: {sentence}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jldstorage.takeover", allow_abbrev=False)
    parser.add_argument("--old", type=Path, default=Path("/old"), help="the folder with a folder for each old home")
    parser.add_argument("--new", type=Path, default=Path("/new"), help="the volume of the homes")
    parser.add_argument("--people", type=Path, help="a file with a line for each old home")
    parser.add_argument("--person", action="append", default=[], metavar="LINE", help="such a line")
    return parser


def main(words: Sequence[str]) -> int:
    given = _parser().parse_args(words)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two for each folder that another is in
    try:
        lines = given.people.read_text().splitlines() if given.people else []
        people = people_in([*lines, *given.person])
        taking = TakeOver(given.old, given.new, _say)
        outcomes = taking.run(people)
        others = taking.not_listed(people) if given.people else []
    except ListWrong as error:
        print(f"jld: {given.people or '--person'}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"jld: {error.filename}: {error.strerror}; look at the volume", file=sys.stderr)
        return 1
    left = [each for each in outcomes if each.was_left]
    _say(f"{len(outcomes) - len(left)} of {len(outcomes)} homes are there:")
    for outcome in outcomes:
        _say(f"  {outcome}")
    if others:
        _say(f"old homes that the list does not name: {', '.join(map(ascii, others))}")
    return 1 if left else 0


if __name__ == "__main__":
    os.umask(0)  # modes are those of the old homes, and each is named
    sys.exit(main(sys.argv[1:]))
