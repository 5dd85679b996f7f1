"""Values of Zero to JupyterHub, migrated to a site file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from jld.rules.images.series import IMAGES
from jld.schema.z2jh.answer import Answer, Verdict
from jld.schema.z2jh.table import answers
from jld.site.tree import Node, drop, find, plain, put
from jld.start.images import DEFAULT, with_registry
from jld.start.legacy_values import NotMigrated
from jld.start.migration import MigratedKey
from jld.start.z2jh import forms
from jld.start.z2jh.copies import COPIES, EACH
from jld.start.z2jh.login import AUTH, Paths
from jld.start.z2jh.profiles import SIZE, Menu, completed, name_of
from jld.start.z2jh.specials import SIZES, SPECIAL, Specials
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted
from jld.support.masking import holds_secret


class Z2jhMigration(Specials):
    """The new site, the secrets for secrets.yaml, and what became of each key."""

    def __init__(self, old: Node, schema: JsonMap, source: Path, target: Path, before: KeyPath = ()) -> None:
        """`old` is what stands at `before` in the file, whose other keys are those of a chart around it."""
        super().__init__(schema, source, target)
        self._old = find(old, before) or Node({})
        self.keys: list[MigratedKey] = []
        self._paths: dict[int, list[KeyPath]] = {}
        self._choose()
        self._base: JsonMap = {}
        self._profile_nodes: list[dict[str, Node]] = []
        self._room = 0
        for name, node in forms.entries(old).items() if before else ():
            if name != before[0]:
                self._record((name,), node, [], "it is of the chart around it", Verdict.not_needed)
        for name, node in forms.entries(self._old).items():
            found = list(answers(node, (name,)))
            if not found:
                self._record((name,), node, [], "Zero to JupyterHub has no such key either", Verdict.none)
            for path, child, answer in found:
                self._migrate(path, child or Node(None), answer)
        self._finish()

    def _migrate(self, path: KeyPath, node: Node, answer: Answer) -> None:
        if answer.verdict is not Verdict.carried:
            why = f"{answer.today}: {answer.why}" if answer.today else answer.why
            self._record(path, node, [], why, answer.verdict)
            return
        try:
            if node.value in (None, "", [], {}):
                raise NotMigrated("it is empty")
            paths, remark = self._convert(path, node)
        except NotMigrated as error:
            hidden = holds_secret(plain(node)) and "found" in str(error)
            why = "what it holds (not shown) does not fit" if hidden else str(error)
            self._record(path, node, [], f"{why}; see {answer.today}", "not carried over")
        else:
            self._record(path, node, paths, remark or ("" if paths else answer.why), Verdict.not_needed)

    def _record(self, path: KeyPath, node: Node, new: Iterable[KeyPath], why: str, verdict: str) -> None:
        where = node.key_place or node.place
        line = f" (line {where.line})" if where and not new and verdict == "not carried over" else ""
        self._paths[len(self.keys)] = list(new)
        self.keys.append(MigratedKey(dotted(path) + line, tuple(dotted(each) for each in new), why, str(verdict)))

    def _convert(self, path: KeyPath, node: Node) -> Paths:
        key = dotted(path)
        if key in COPIES:
            target, form = COPIES[key]
            return self._set(target, form(node)), ""
        if key in EACH:
            target, spread = EACH[key]
            return self._put_each(target, spread(node))
        if path[:2] == ("hub", "config"):
            return self._class_key(path, node)
        convert: Callable[[KeyPath, Node], Paths] | None = getattr(self, SPECIAL.get(key, ""), None)
        if path[:2] in (("hub", "services"), ("hub", "loadRoles")):
            convert = self._service if path[1] == "services" else self._roles
        if convert is None:
            raise forms.wrong(node, "keys and values")
        return convert(path, node)

    def _finish(self) -> None:
        """Images and sizes, which several keys make together."""
        image, tag = (find(self._old, ("singleuser", "image", key)) for key in ("name", "tag"))
        reference = ""
        if image and isinstance(image.value, str) and image.value.strip():
            is_tag = tag and isinstance(tag.value, str | int | float) and not isinstance(tag.value, bool)
            written = (tag.written or str(tag.value)).strip() if tag and is_tag else ""
            reference = with_registry(f"{image.value.strip()}:{written}" if written else image.value.strip())
        menu = Menu(self._base)
        for number, profile in enumerate(self._profile_nodes):
            try:
                menu.add(profile, reference)
            except NotMigrated as error:
                self._record(("singleuser", "profileList", number), Node(None), [], str(error), "not carried over")
        if reference and not menu.images:
            name = name_of(reference.rpartition("/")[2].partition(":")[0])
            menu.images, menu.default_image = {name: {"reference": reference}}, name
        if self._base and not menu.sizes:
            menu.sizes, menu.default_size = {SIZE: completed(self._base)}, SIZE
        self._finish_menu(menu)

    def _finish_menu(self, menu: Menu) -> None:
        def skip(what: str, error: NotMigrated) -> None:
            self.warnings.append(Problem(None, what, f"not carried over: {error}"))

        for name, image in menu.images.items():
            try:
                self._set(
                    (*IMAGES, name), image if len(menu.sizes) > 1 else {k: v for k, v in image.items() if k != "sizes"}
                )
            except NotMigrated as error:
                skip(dotted((*IMAGES, name)), error)
        if self._has((*IMAGES, menu.default_image)):
            self._set(DEFAULT, menu.default_image)
        for name, size in menu.sizes.items():
            try:
                self._set((*SIZES, name), size)
            except NotMigrated as error:
                skip(dotted((*SIZES, name)), error)
        if not self._has(SIZES):
            menu.default_size = ""
        else:
            found = list(plain(find(self._site, SIZES) or Node({})))
            menu.default_size = menu.default_size if menu.default_size in found else found[0]
            for usual in ("tiny", "small", "medium", "large"):  # nobody had these
                if usual not in found:
                    self._site = put(self._site, (*SIZES, usual), Node(None))
            self._set(("hub", "lab", "defaultSize"), menu.default_size)
        if self._room:
            self._set(("hub", "lab", "placeholders", "counts", menu.default_size or "small"), min(self._room, 1000))
        if menu.left_out:
            left = ", ".join(dict.fromkeys(menu.left_out))
            self.warnings.append(
                Problem(None, "singleuser.profileList", f"not carried over: {left}; a size has no such key")
            )

    def without(self, problems: Iterable[Problem]) -> bool:
        """Take out what the new site cannot have after all, and say so. What keeps people out is never taken out."""
        changed = False
        for problem in problems:
            for index, paths in self._paths.items():
                bad = [
                    path for path in paths if path[:2] != AUTH and len(path) > 2 and _covers(problem.key, dotted(path))
                ]
                for path in bad:
                    if find(self._site, path):
                        self._site, changed = drop(self._site, path), True
                        old = self.keys[index]
                        left = tuple(each for each in old.new if each != dotted(path))
                        self.keys[index] = replace(
                            old, new=left, why=f"{dotted(path)}: {problem.sentence}", verdict="not carried over"
                        )
        return changed


def _covers(key: str, path: str) -> bool:
    return key == path or key.startswith((f"{path}.", f"{path}["))
