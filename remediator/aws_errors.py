"""Says in a sentence what went wrong between us and AWS, and what to do about it.

What an error quotes of a request is not repeated: the request holds the template. Only the
service's own message is, where it answered.
"""

from __future__ import annotations

from .errors import ChangeSetError

_LOGIN = "log in with `aws sso login` or `aws configure`, or name another --profile"
_ACTIONS = "cloudformation:DescribeStacks, CreateChangeSet, DescribeChangeSet and DeleteChangeSet"
_AGAIN = "check the connection, the proxy and --region, and run again"

_LOCAL = {
    "ProfileNotFound": "there is no such AWS profile: `aws configure list-profiles` lists them",
    "ConfigParseError": "the AWS configuration file cannot be read: correct it",
    "NoRegionError": "no AWS region is set: name one with --region or AWS_REGION",
    "InvalidRegionError": "the AWS region is no name of one: correct --region or AWS_REGION",
    "NoCredentialsError": f"there are no AWS credentials: {_LOGIN}",
    "PartialCredentialsError": f"the AWS credentials are incomplete: {_LOGIN}",
    "CredentialRetrievalError": f"the AWS credentials cannot be had: {_LOGIN}",
    "SSOError": f"the AWS login is missing or has expired: {_LOGIN}",
    "LoginError": f"the AWS login is missing or has expired: {_LOGIN}",
    "TokenRetrievalError": f"the AWS login is missing or has expired: {_LOGIN}",
    "InvalidConfigError": "the AWS configuration is wrong: correct the profile",
    "ParamValidationError": "the AWS library refuses the request: check the name of the stack",
    "SSLError": f"the certificate of AWS is not trusted: {_AGAIN}",
    "HTTPClientError": f"AWS cannot be reached: {_AGAIN}",
    "ConnectionError": f"AWS cannot be reached: {_AGAIN}",
}
"""What botocore raises before any service answers, each for its subclasses too."""
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_EXPIRED = {
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId"),
    *("UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure", "OptInRequired"),
}
_THROTTLED = {
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
    *("RequestLimitExceeded", "TooManyRequestsException", "SlowDown"),
}


def told(error: Exception, stack: str) -> ChangeSetError:
    """Return what to tell a person of an error of the AWS library, asking about this stack."""
    answer = getattr(error, "response", None) or getattr(error, "last_response", None)
    if isinstance(answer, dict) and "Error" in answer:
        problem = answer["Error"]
        return ChangeSetError(_answered(problem.get("Code", ""), problem.get("Message", ""), stack))
    for kind in type(error).__mro__:
        if kind.__name__ in _LOCAL:
            return ChangeSetError(_LOCAL[kind.__name__])
    return ChangeSetError(f"the AWS library failed ({type(error).__name__}): {_AGAIN}")


def _answered(code: str, message: str, stack: str) -> str:
    """Return what to say of a service's answer."""
    said = " ".join(message.split())
    if said.startswith("Stack ") and said.endswith("does not exist"):
        return f"there is no stack {stack} here: check its name, --region and --profile"
    if code in _DENIED:
        return f"AWS does not allow it, {_ACTIONS} are needed: {said}"
    if code in _EXPIRED:
        return f"AWS does not take the credentials ({code}): {_LOGIN}"
    if code in _THROTTLED:
        return f"AWS takes no more requests at the moment ({code}): run again in a minute"
    if code == "LimitExceededException":
        return f"stack {stack} has too many change sets: delete some and run again"
    if code == "InsufficientCapabilitiesException":
        return f"stack {stack} needs a capability that no change set of ours has: {said}"
    if "must have values" in said:
        return f"the repaired template asks for what stack {stack} has no value for: {said}"
    return f"CloudFormation refuses the change set of stack {stack} ({code}): {said}"
