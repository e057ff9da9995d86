"""What the trees around the files of a run know; each is read once, when it is asked for."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path, PurePosixPath

from .discover import Input, is_tree, tree_of
from .document import Document
from .model import Caller, Mention
from .repository import Repository
from .template import Template
from .work_tree import folder_in_diff, path_in_diff


class Reach:
    """The files that a run may change: those named, and all below the folders given."""

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._paths = paths

    @cached_property
    def _places(self) -> tuple[frozenset[Path], tuple[Path, ...]]:
        real = [path.resolve() for path in self._paths]
        return frozenset(real), tuple(path for path in real if path.is_dir())

    def __contains__(self, file: object) -> bool:
        """Whether a file, by its real path, may be changed."""
        named, folders = self._places
        return isinstance(file, Path) and (
            file in named or any(file.is_relative_to(folder) for folder in folders)
        )


class Around:
    """The trees around the files of a run; `paths` are the files and folders that it was given.

    What lies outside of these is read, to know who calls a template, and never changed.
    """

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self.reach = Reach(paths)
        self._is_tree = cache(is_tree)
        self._trees: dict[Path, Repository] = {}
        self._left: set[Path] = set()
        self._tree_of: dict[tuple[Path, Path], Path] = {}
        self._folders: dict[Path, PurePosixPath] = {}

    def document(self, raw: bytes, name: str, entry: Input | None, *, keep: bool) -> Document:
        """Read a template, once where the tree has read it too; with `keep` the tree is told.

        Raises TemplateError as `Document.decode` does.
        """
        tree = self.repository(entry) if entry is not None else None
        if entry is None or tree is None or not (keep or tree.parsed):
            return Document.decode(raw, name)
        # What the tree has read is without a byte order mark, which the file has to keep.
        place = None if raw.startswith(BOM_UTF8) else tree.place(entry.file)
        key = (place, raw.decode("utf-8", errors="replace")) if place is not None else None
        if key is not None and key in tree.parsed:
            return replace(tree.parsed[key].document, name=name)
        document = Document.decode(raw, name)
        if keep and key is not None and not document.bom:
            tree.parsed[key] = Template(document)
        return document

    def callers(
        self,
        document: Document,
        entry: Input | None,
        *,
        edits: bool = True,
        rotates: bool = True,
    ) -> Mapping[str, tuple[Caller, ...]]:
        """Return the callers of the document's parameters, as `Repository.callers` does."""
        parameters = document.data.get("Parameters")
        if entry is None or not isinstance(parameters, dict):
            return {}
        tree = self.repository(entry)
        return tree.callers(entry.file, parameters, edits=edits, rotates=rotates)

    def mentions(self, entry: Input | None) -> Callable[[str], tuple[Mention, ...]]:
        """Return what tells where else the tree names a parameter of a template."""
        if entry is None:
            return lambda _: ()
        return partial(self.repository(entry).mentions, entry.file)

    def imports(self, entry: Input | None) -> Iterable[str]:
        """Return the names that the tree's other templates import."""
        return () if entry is None else self.repository(entry).imports(entry.file)

    def tree_of(self, entry: Input) -> Path:
        """Return the tree that a file belongs to."""
        key = (entry.folder, entry.root)
        if key not in self._tree_of:
            self._tree_of[key] = tree_of(entry.file, entry.root, self._is_tree)
        return self._tree_of[key]

    def repository(self, entry: Input) -> Repository:
        """Return what is known of the tree that a file belongs to."""
        tree = self.tree_of(entry)
        self._left.discard(tree)
        if tree not in self._trees:
            for other in self._left:
                self._trees.pop(other, None)
            self._left.clear()
            self._trees[tree] = Repository(tree, self.reach)
        return self._trees[tree]

    def leave(self, tree: Path) -> None:
        """Forget what is known of a tree once another is read: nothing of it is expected to be
        handled any more."""
        self._left.add(tree)

    def forget(self) -> None:
        """Forget what is known of all trees."""
        self._trees.clear()
        self._left.clear()

    def path_in_diff(self, file: Path) -> str:
        """Return a file's path as `work_tree` has it; each folder is looked up once."""
        if file.parent not in self._folders:
            self._folders[file.parent] = folder_in_diff(file.parent)
        if file.is_symlink():
            return path_in_diff(file)
        return (self._folders[file.parent] / file.name).as_posix()
