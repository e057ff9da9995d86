"""What an open text gives: its findings, and what one repair makes of it. Nothing is written.

The text is the editor's. What else a repair needs to know is read from the disk: the settings of
the file's place each time, who calls the template once until `forget`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import config, registry
from .around import Around
from .discover import Input
from .projects import transforms
from .reading import looks_like_template
from .results import FileResult
from .runner import Guard, Runner, unguarded
from .validator import Validator, is_installed


class Desk:
    """Handles the open files of one editor; `guard` may catch what the work on one raises."""

    def __init__(self, guard: Guard = unguarded, *, validate: bool = True) -> None:
        self._guard = guard
        self._around = Around()
        self._judge = Validator() if validate and is_installed() else None

    def look(self, text: str, file: Path, root: Path) -> FileResult | None:
        """Return what is found in the text of a file; None where it is no template.

        `root` is the workspace folder of the file: its tree, where no `.git` says better. What is
        raised goes to the guard: RemediatorError where text or settings cannot be read.
        """
        if not looks_like_template(text):
            return None
        return self._guard(str(file), lambda: self._handled(text, file, root, None))

    def repair(self, text: str, file: Path, root: Path, only: frozenset[str]) -> FileResult | None:
        """Return what becomes of the text with these repairs alone, proven; as `look` does."""
        return self._guard(str(file), lambda: self._handled(text, file, root, only))

    def forget(self) -> None:
        """Read anew what stands around the files when it is asked for next."""
        self._around = Around()

    def close(self) -> None:
        """End what judges the new texts."""
        if self._judge is not None:
            self._judge.close()

    def _handled(
        self, text: str, file: Path, root: Path, only: frozenset[str] | None
    ) -> FileResult | None:
        project = config.load_project(file)
        settings = project.of(file)
        runner = Runner(
            transforms(settings, project.source),
            registry.catalogue(),
            settings if only is None else settings._replace(only=only),
            check=only is None,
            around=self._around,
            judges=(self._judge.judge,) if self._judge is not None else (),
        )
        entry = Input.of(file, named=False, root=root)
        # What an editor sends may hold half a surrogate pair: then the text is no UTF-8, and told.
        result = runner.text(text.encode("utf-8", "surrogatepass"), str(file), entry)
        return result if result is None else replace(result, fresh=settings.new)
