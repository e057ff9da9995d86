"""The errors that remediator raises on purpose.

    RemediatorError
    ├── TemplateError    a text cannot be read as a CloudFormation template
    │   └── OtherFile    it was read, and is plainly something else
    ├── EditError        an operation cannot be carried out on the text soundly
    ├── ProofError       an edited text is not what its plan says: a defect of remediator
    ├── TransformError   a transform broke its contract
    ├── FileError        a file or folder cannot be read or written
    ├── ChangeSetError   AWS does not tell what an update would do
    ├── RemoteError      a repository, or what hosts it, does not do what is needed
    │   ├── Throttled    its host wants fewer requests
    │   └── Stale        it is no longer what the work started from
    └── ConfigError      a setting, an option or a plugin name is wrong

A message says what is wrong and then what to do; file and line come from the attributes.
"""

from __future__ import annotations


class RemediatorError(Exception):
    """An error with a message for a person, and the place it speaks of.

    `line` and `column` count from 1; None where no place can be named.
    """

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Interrupted(BaseException):
    """The user pressed Ctrl-C. No KeyboardInterrupt: the command-line library swallows that."""


class TemplateError(RemediatorError):
    """A text cannot be read as a CloudFormation template.

    `looks_like_template` is True where the text was plainly meant as one: a folder that holds
    it is then reported as not wholly handled, where other files are skipped in silence.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        looks_like_template: bool = False,
    ) -> None:
        super().__init__(message, line=line, column=column)
        self.looks_like_template = looks_like_template


class OtherFile(TemplateError):
    """A text is plainly something else than a template: another tool's file, a playbook, a list."""


class EditError(RemediatorError):
    """An operation cannot be carried out on the text soundly; the message is the reason."""


class ProofError(RemediatorError):
    """An edited text is not what its plan says; the file stays as it was."""


class TransformError(RemediatorError):
    """A transform broke its contract: an operation on a missing path, a fix without a reason."""


class FileError(RemediatorError):
    """A file or folder cannot be read or written."""


class ChangeSetError(RemediatorError):
    """AWS does not tell what an update would do; nothing was executed."""


class RemoteError(RemediatorError):
    """A repository, or what hosts it, does not do what is needed.

    `retryable`: a later try, or one from another machine, may end differently.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class Throttled(RemoteError):
    """The host of repositories wants fewer requests: wait for so many `seconds`."""

    def __init__(self, message: str, *, seconds: float = 60.0) -> None:
        super().__init__(message, retryable=True)
        self.seconds = seconds


class Stale(RemoteError):
    """A repository is no longer what the work started from: the work is to be done again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class ConfigError(RemediatorError):
    """A setting, an option or a plugin name is wrong."""
