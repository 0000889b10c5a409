"""Compatibility of two versions of a contract, in both directions (Avro's and Confluent's "FULL").

Within a major version every reader understands every writer: what an old writer sends a new reader takes,
and the other way round. Comparing the model with every frozen version makes it transitive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from septet_contracts._alternatives import UnsupportedSchemaError
from septet_contracts._containment import Containment, Gap

# aspect: (old writers are refused by new readers, new writers by old readers, both)
_KINDS: dict[str, tuple[str, str, str]] = {
    "removed": ("field_removed", "field_removed", "field_removed"),
    "closed": ("field_removed", "field_added_to_closed", "field_renamed_in_closed"),
    "required": ("field_required", "field_optional", "required_changed"),
    "type": ("type_narrowed", "type_widened", "type_changed"),
    "value": ("value_removed", "value_added", "value_changed"),
    "variant": ("variant_removed", "variant_added", "variant_changed"),
    "closed_enum": ("open_enum_closed",) * 3,
    "default": ("default_changed",) * 3,
    "discriminator": ("discriminator_changed",) * 3,
    "bound": ("bound_narrowed", "bound_widened", "bound_changed"),
    "pattern": ("pattern_narrowed", "pattern_widened", "pattern_changed"),
    "format": ("format_narrowed", "format_widened", "format_changed"),
    "constraint": ("constraint_changed",) * 3,
    "unsupported": ("unsupported_schema",) * 3,
}
_OLD_TO_NEW, _NEW_TO_OLD, _BOTH = range(3)


@dataclass(frozen=True)
class Break:
    """One incompatibility: where, of which kind, and what a reader would refuse.

    ``path`` starts at ``$``; ``.name`` is a field, ``[]`` an item, ``{}`` a map's value, ``<tag>`` a member
    of a discriminated union.
    """

    path: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: {self.message}"


def breaks(old: dict[str, Any], new: dict[str, Any], *, defaults: bool = False) -> list[Break]:
    """Compare two JSON Schemas as Pydantic makes them.

    Args:
        old, new: the schemas.
        defaults: whether a changed default is a break. It is where writers leave fields out: services send every field.

    Returns:
        What breaks, in the order of the paths; empty when each side reads all that the other writes and
        no field was removed.
    """
    backward = _grouped(old, new, names_kept=True, defaults_kept=defaults)
    forward = _grouped(new, old, names_kept=False)
    found = []
    for path, aspect in sorted({*backward, *forward}):
        if aspect == "required" and (path, "removed") in backward:
            continue
        lost, unread = backward.get((path, aspect), []), forward.get((path, aspect), [])
        if aspect in ("value", "variant"):
            found += [Break(path, _KINDS[aspect][_OLD_TO_NEW], f"{m} by new readers") for m in lost]
            found += [Break(path, _KINDS[aspect][_NEW_TO_OLD], f"{m} by old readers") for m in unread]
            continue
        side = _BOTH if lost and unread else _OLD_TO_NEW if lost else _NEW_TO_OLD
        told = [f"old to new: {m}" for m in lost] + [f"new to old: {m}" for m in unread]
        found.append(Break(path, _KINDS[aspect][side], "; ".join(told)))
    return found


def _grouped(
    writer: dict[str, Any], reader: dict[str, Any], *, names_kept: bool, defaults_kept: bool = False
) -> dict[tuple[str, str], list[str]]:
    try:
        gaps = Containment(writer, reader, names_kept=names_kept, defaults_kept=defaults_kept).gaps()
    except UnsupportedSchemaError as error:
        gaps = [Gap("$", "unsupported", str(error))]
    grouped: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        messages = grouped.setdefault((gap.path, gap.aspect), [])
        if gap.message not in messages:
            messages.append(gap.message)
    return grouped
