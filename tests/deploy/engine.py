"""Starts LocalStack, with what the tests need of it besides. Runs in LocalStack's own environment.

What is added makes up for gaps, on the side of the engine; no template is touched:

- LocalStack 4.9.2 does not know the short form `{{resolve:secretsmanager:<id>::<key>}}`, in which
  the empty segment means `SecretString`. It is written out before its own resolver sees it.
- It evaluates resources and outputs whose condition is false, too, and stumbles over what they
  refer to. CloudFormation does not look at them.
- It generates passwords without heed of `RequireEachIncludedType`. They come from the mock of
  Secrets Manager (GetRandomPassword), from which CloudFormation takes them too.
- A Lambda function is created without what would run it, which needs Docker and a download: the
  tests look at its settings only.
- It takes values for parameters that a template does not declare, and drops them. CloudFormation
  refuses them, and says something else where the template has no parameters at all.
- It leaves a nested stack as it is when that should be updated, and calls a stack created whose
  nested stack failed because of one further down.
- It looks only every five seconds whether what it makes is done.
- `/_tests/clusters` tells which user name and password each Redshift cluster was created with, from
  the state of the mock (moto) that plays Redshift. No call of the service tells them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from functools import partialmethod
from typing import Any

from localstack.http import route  # type: ignore[import-not-found]
from localstack.runtime import main  # type: ignore[import-not-found]
from localstack.services.cloudformation.engine.v2 import (  # type: ignore[import-not-found]
    change_set_model_preproc as resolver,
)
from localstack.services.cloudformation.engine.validations import (  # type: ignore[import-not-found]
    ValidationError,
)
from localstack.services.cloudformation.resource_provider import (  # type: ignore[import-not-found]
    OperationStatus,
    ProgressEvent,
    ResourceProviderExecutor,
)
from localstack.services.cloudformation.resource_providers import (  # type: ignore[import-not-found]
    aws_cloudformation_stack as nested,
)
from localstack.services.cloudformation.v2.provider import (  # type: ignore[import-not-found]
    CloudformationProviderV2,
)
from localstack.services.edge import ROUTER  # type: ignore[import-not-found]
from localstack.services.lambda_.invocation.plugins import (  # type: ignore[import-not-found]
    DockerRuntimeExecutorPlugin,
)
from localstack.services.secretsmanager.resource_providers import (  # type: ignore[import-not-found]
    aws_secretsmanager_secret as secret,
)


def end_with_the_tests() -> None:
    """End, with all that was started, once the tests are gone: they hold the other end of stdin."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def understand_the_short_form() -> None:
    lookup = resolver.perform_dynamic_reference_lookup

    def written_out(reference: Any, account_id: str, region_name: str) -> str | None:
        key = reference.reference_key
        if reference.service_name == "secretsmanager" and ":SecretString" not in key:
            reference = replace(reference, reference_key=key.replace("::", ":SecretString:", 1))
        found: str | None = lookup(reference, account_id, region_name)
        return found

    resolver.perform_dynamic_reference_lookup = written_out


def skip_what_does_not_exist() -> None:
    model = resolver.ChangeSetModelPreproc

    def exists(self: Any, entity: Any) -> bool:
        if resolver.is_nothing(entity.condition_reference):
            return True
        met = self._resolve_resource_condition_reference(entity.condition_reference)
        return bool(met.after) or (not resolver.is_nothing(met.before) and bool(met.before))

    def guarded(visit: Any) -> Any:
        def visit_what_exists(self: Any, *given: Any, **named: Any) -> Any:
            (entity,) = (*given, *named.values())
            if exists(self, entity):
                return visit(self, entity)
            return resolver.PreprocEntityDelta(before=resolver.Nothing, after=resolver.Nothing)

        return visit_what_exists

    model.visit_node_resource = guarded(model.visit_node_resource)
    model.visit_node_output = guarded(model.visit_node_output)


def generate_as_secrets_manager_does() -> None:
    from moto.secretsmanager.utils import random_password  # type: ignore[import-not-found]

    def generate(_: Any, rules: dict[str, Any]) -> str:
        password: str = random_password(
            password_length=int(rules.get("PasswordLength", 32)),
            exclude_characters=rules.get("ExcludeCharacters", ""),
            exclude_numbers=rules.get("ExcludeNumbers", False),
            exclude_punctuation=rules.get("ExcludePunctuation", False),
            exclude_uppercase=rules.get("ExcludeUppercase", False),
            exclude_lowercase=rules.get("ExcludeLowercase", False),
            include_space=rules.get("IncludeSpace", False),
            require_each_included_type=rules.get("RequireEachIncludedType", True),
        )
        return password

    secret.SecretsManagerSecretProvider._get_secret_value = generate


def refuse_what_no_template_takes() -> None:
    resolve = CloudformationProviderV2._resolve_parameters

    def checked(template: dict[str, Any], given: dict[str, Any], *rest: Any) -> Any:
        unknown = given.keys() - template.get("Parameters", {}).keys()
        if unknown and not template.get("Parameters"):
            raise ValidationError(
                "Parameter values specified for a template which does not require them."
            )
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ValidationError(f"Parameters: [{names}] do not exist in the template")
        return resolve(template, given, *rest)

    CloudformationProviderV2._resolve_parameters = staticmethod(checked)


def look_oftener() -> None:
    loop = ResourceProviderExecutor.deploy_loop
    ResourceProviderExecutor.deploy_loop = partialmethod(loop, sleep_time=0.2)


def see_to_nested_stacks() -> None:
    provider = nested.CloudFormationStackProvider
    create_silently = provider.create

    def create(self: Any, request: Any) -> Any:
        event = create_silently(self, request)
        if event.status == OperationStatus.FAILED:  # without a message it would be overlooked
            return replace(event, message=event.message or "the nested stack failed")
        return event

    def update(_: Any, request: Any) -> Any:
        known = {key: request.previous_state[key] for key in ("Id", "StackName")}
        model = known | request.desired_state
        given = model.get("Parameters", {})
        change = {
            "TemplateURL": model["TemplateURL"],
            "Parameters": [{"ParameterKey": k, "ParameterValue": given[k]} for k in given],
        }
        return progress(request, "update_stack", model, "UPDATE_COMPLETE", **change)

    def delete(_: Any, request: Any) -> Any:
        return progress(request, "delete_stack", request.desired_state, "DELETE_COMPLETE")

    def progress(request: Any, start: str, model: Any, end: str, **given: Any) -> Any:
        cloudformation = request.aws_client_factory.cloudformation
        event = ProgressEvent(OperationStatus.IN_PROGRESS, model, custom_context={"seen": ""})
        if "seen" not in request.custom_context:
            getattr(cloudformation, start)(StackName=model["Id"], **given)
            return event
        (stack,) = cloudformation.describe_stacks(StackName=model["Id"])["Stacks"]
        status = stack["StackStatus"]
        if status.endswith("IN_PROGRESS"):
            return event
        if status != request.custom_context["seen"]:  # its outputs come a moment later
            return replace(event, custom_context={"seen": status})
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
        done = OperationStatus.SUCCESS if status == end else OperationStatus.FAILED
        return ProgressEvent(done, {**model, "Outputs": outputs}, message=status)

    provider.create, provider.update, provider.delete = create, update, delete


class NeverRuns:
    """Stands where LocalStack prepares a container for each version of a function."""

    @classmethod
    def validate_environment(cls) -> bool:
        return True

    @classmethod
    def prepare_version(cls, _: Any) -> None:
        """Prepare nothing."""

    @classmethod
    def cleanup_version(cls, _: Any) -> None:
        """Nothing was prepared."""


@route("/_tests/clusters")  # type: ignore[untyped-decorator]
def clusters(_: Any) -> dict[str, dict[str, str]]:
    from moto.redshift.models import redshift_backends  # type: ignore[import-not-found]

    return {
        name: {"user": cluster.master_username, "password": cluster.master_user_password}
        for account in redshift_backends.values()
        for region in account.values()
        for name, cluster in region.clusters.items()
    }


if __name__ == "__main__":
    end_with_the_tests()
    understand_the_short_form()
    generate_as_secrets_manager_does()
    refuse_what_no_template_takes()
    look_oftener()
    see_to_nested_stacks()
    DockerRuntimeExecutorPlugin.load = lambda *_, **__: NeverRuns
    skip_what_does_not_exist()
    ROUTER.add(clusters)
    main.main()
