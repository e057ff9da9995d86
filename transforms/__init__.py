"""What remediator repairs, in the order in which repairs are planned."""

from __future__ import annotations

from remediator.transform import Transform

from . import (
    callers,
    export_names,
    literal_passwords,
    manual_secrets,
    null_values,
    password_parameters,
    secret_attachments,
)

TRANSFORMS: tuple[Transform, ...] = (
    callers.TRANSFORM,
    manual_secrets.TRANSFORM,
    password_parameters.TRANSFORM,
    literal_passwords.TRANSFORM,
    secret_attachments.TRANSFORM,
    export_names.TRANSFORM,
    null_values.TRANSFORM,
)
