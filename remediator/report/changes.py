"""What an update of a stack would do, for a person and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..changes import Change, ChangeSet, undeleted
from .summary import Paint, wrapped

_VERBS = {
    "Add": "is added",
    "Modify": "changes",
    "Remove": "is removed",
    "Import": "is imported",
    "Dynamic": "changes in a way that is known only then",
}
_HOLD_DATA = frozenset(
    {
        "AWS::AmazonMQ::Broker",
        "AWS::DirectoryService::MicrosoftAD",
        "AWS::DirectoryService::SimpleAD",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::FSx::StorageVirtualMachine",
        "AWS::Lightsail::Database",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::Timestream::InfluxDBCluster",
        "AWS::Timestream::InfluxDBInstance",
    }
)
"""Resources whose replacement begins empty."""


def as_data(change_set: ChangeSet) -> dict[str, Any]:
    """Return a change set as the JSON report has it."""
    return {
        "stack": change_set.stack,
        "changes": [
            {
                "action": each.action,
                "logical_id": each.logical_id,
                "type": each.type,
                "replacement": each.replacement,
                "causes": list(each.causes),
            }
            for each in change_set.changes
        ],
        "left_behind": change_set.left_behind or None,
    }


def lines(change_set: ChangeSet, paint: Paint) -> Iterator[str]:
    """Yield what an update would do, what is replaced first; last whether data is lost."""
    stack, changes = change_set.stack, sorted(change_set.changes, key=_rank)
    if changes:
        yield wrapped(f"Stack {stack}, if it were updated now:", "  ")
        for each in changes:
            yield paint(wrapped(_line(each), "      ", "  "), _COLOURS[_rank(each)])
        yield from _verdict(changes, paint)
    else:
        yield paint(wrapped(f"Stack {stack} would not change.", "  "), "green")
    if change_set.left_behind:
        what = f"Mind that {undeleted(stack, change_set.left_behind)}."
        yield paint(wrapped(what, "  "), "yellow")


def _verdict(changes: Sequence[Change], paint: Paint) -> Iterator[str]:
    replaced = [each for each in changes if _rank(each) in (_REPLACED, _MAYBE)]
    lost = [each for each in replaced if each.type in _HOLD_DATA]
    if lost:
        would = "would" if _rank(lost[0]) == _REPLACED else "may"
        names = ", ".join(each.logical_id for each in lost)
        what = f"A database {would} be REPLACED ({names}): the new one begins empty."
        yield paint(wrapped(what, "  "), "red")
    elif not replaced:
        yield paint("Nothing is replaced.", "green")


_REPLACED, _MAYBE, _REMOVED, _CHANGED, _ADDED = range(5)
_COLOURS = ("red", "yellow", "yellow", "cyan", "green")


def _rank(change: Change) -> int:
    """Return how soon a person should see a change."""
    if change.replacement == "True":
        return _REPLACED
    if change.replacement == "Conditional":
        return _MAYBE
    return {"Remove": _REMOVED, "Add": _ADDED}.get(change.action, _CHANGED)


def _line(change: Change) -> str:
    verb = _VERBS.get(change.action, change.action)
    why = ", ".join(change.causes)
    if _rank(change) in (_REPLACED, _MAYBE):
        verb = "is REPLACED" if _rank(change) == _REPLACED else "may be REPLACED"
        why = why and f"because of {why}"
    return f"{change.logical_id} ({change.type}) {verb}" + (f" ({why})" if why else "")
