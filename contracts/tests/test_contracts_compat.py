"""Each kind of break is found, each allowed change passes, and both agree with Pydantic's validation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from septet_contracts.compat import breaks


def model(**fields: Any) -> type[BaseModel]:
    """A model named ``M``; a field is a type (required) or a pair of type and default."""
    definitions = {n: f if isinstance(f, tuple) else (f, ...) for n, f in fields.items()}
    return create_model("M", **definitions)


def schema(of: Any) -> dict[str, Any]:
    return TypeAdapter(of).json_schema()


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Hound(BaseModel):
    kind: Literal["hound"]
    name: str


class LoudDog(BaseModel):
    kind: Literal["dog"]
    name: str
    volume: int


class TypedCat(BaseModel):
    type: Literal["cat"]
    kind: Literal["cat"]
    name: str


class TypedDog(BaseModel):
    type: Literal["dog"]
    kind: Literal["dog"]
    name: str


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int


class ClosedWithMore(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int
    b: int | None = None


class Node(BaseModel):
    value: int
    children: list[Node] = []


class TextNode(BaseModel):
    value: str
    children: list[TextNode] = []


def one_of(*members: type[BaseModel], by: str = "kind") -> Any:
    union: Any = members[0]
    for member in members[1:]:
        union = union | member
    return Annotated[union, Field(discriminator=by)]


def text(**bounds: Any) -> Any:
    return Annotated[str, Field(**bounds)]


def number(**bounds: Any) -> Any:
    return Annotated[int, Field(**bounds)]


INNER, INNER_MORE = model(x=int), model(x=int, y=(int, 0))
INNER_LESS, INNER_OTHER = model(y=(int, 0)), model(x=str)
PETS = one_of(Cat, Dog)

# name, old, new, kind, path, (value, "old" or "new": the side that rejects it)
BREAKS: list[tuple[str, Any, Any, str, str, tuple[Any, str] | None]] = [
    ("required field removed", model(a=int, b=int), model(a=int), "field_removed", "$.b", ({"a": 1}, "old")),
    ("optional field removed", model(a=int, b=(int, 0)), model(a=int), "field_removed", "$.b", None),
    ("field renamed", model(a=(int, 0)), model(b=(int, 0)), "field_removed", "$.a", None),
    ("nested field removed", model(i=INNER_MORE), model(i=INNER), "field_removed", "$.i.y", None),
    ("new required field", model(a=int), model(a=int, b=int), "field_required", "$.b", ({"a": 1}, "new")),
    ("optional made required", model(a=(int, 0)), model(a=int), "field_required", "$.a", ({}, "new")),
    ("required made optional", model(a=int), model(a=(int, 0)), "field_optional", "$.a", ({}, "old")),
    ("type changed", model(a=int), model(a=str), "type_changed", "$.a", ({"a": "x"}, "old")),
    ("number narrowed", model(a=float), model(a=int), "type_narrowed", "$.a", ({"a": 1.5}, "new")),
    ("integer widened", model(a=int), model(a=float), "type_widened", "$.a", ({"a": 1.5}, "old")),
    ("null rejected", model(a=(int | None, None)), model(a=(int, 0)), "type_narrowed", "$.a", ({"a": None}, "new")),
    ("null accepted", model(a=(int, 0)), model(a=(int | None, None)), "type_widened", "$.a", ({"a": None}, "old")),
    ("union narrowed", model(a=int | str), model(a=int), "type_narrowed", "$.a", ({"a": "x"}, "new")),
    ("union widened", model(a=int), model(a=int | str), "type_widened", "$.a", ({"a": "x"}, "old")),
    ("anything narrowed", model(a=Any), model(a=str), "type_narrowed", "$.a", ({"a": 1}, "new")),
    ("widened to anything", model(a=str), model(a=Any), "type_widened", "$.a", ({"a": 1}, "old")),
    ("free text to enum", model(a=str), model(a=Literal["x"]), "type_narrowed", "$.a", ({"a": "y"}, "new")),
    ("enum to free text", model(a=Literal["x"]), model(a=str), "type_widened", "$.a", ({"a": "y"}, "old")),
    ("enum value removed", model(a=Literal["x", "y"]), model(a=Literal["x"]), "value_removed", "$.a", ({"a": "y"}, "new")),
    ("enum value added", model(a=Literal["x"]), model(a=Literal["x", "y"]), "value_added", "$.a", ({"a": "y"}, "old")),
    ("enum value renamed", model(a=Literal["x", "y"]), model(a=Literal["x", "z"]), "value_removed", "$.a", ({"a": "y"}, "new")),
    ("constant changed", model(a=Literal[1]), model(a=Literal[2]), "value_removed", "$.a", ({"a": 1}, "new")),
    ("optional enum's value added", model(a=(Literal["x"] | None, None)), model(a=(Literal["x", "y"] | None, None)), "value_added", "$.a", ({"a": "y"}, "old")),
    ("list to item", model(a=list[int]), model(a=int), "type_changed", "$.a", ({"a": [1]}, "new")),
    ("items changed", model(a=list[int]), model(a=list[str]), "type_changed", "$.a[]", ({"a": [1]}, "new")),
    ("item's field removed", model(a=list[INNER_MORE]), model(a=list[INNER]), "field_removed", "$.a[].y", None),
    ("nested type changed", model(i=INNER), model(i=INNER_OTHER), "type_changed", "$.i.x", ({"i": {"x": 1}}, "new")),
    ("optional nested type changed", model(i=(INNER | None, None)), model(i=(INNER_OTHER | None, None)), "type_changed", "$.i.x", ({"i": {"x": 1}}, "new")),
    ("nested required field dropped", model(i=INNER_MORE), model(i=INNER_LESS), "field_removed", "$.i.x", ({"i": {}}, "old")),
    ("shorter text", model(a=text(max_length=9)), model(a=text(max_length=5)), "bound_narrowed", "$.a", ({"a": "123456"}, "new")),
    ("longer text", model(a=text(max_length=5)), model(a=text(max_length=9)), "bound_widened", "$.a", ({"a": "123456"}, "old")),
    ("bound added", model(a=str), model(a=text(max_length=5)), "bound_narrowed", "$.a", ({"a": "123456"}, "new")),
    ("empty text rejected", model(a=str), model(a=text(min_length=1)), "bound_narrowed", "$.a", ({"a": ""}, "new")),
    ("bounds moved", model(a=number(ge=1, le=5)), model(a=number(ge=2, le=6)), "bound_changed", "$.a", ({"a": 1}, "new")),
    ("bound made strict", model(a=number(ge=0)), model(a=number(gt=0)), "bound_narrowed", "$.a", ({"a": 0}, "new")),
    ("bound dropped", model(a=number(le=5)), model(a=int), "bound_widened", "$.a", ({"a": 6}, "old")),
    ("fewer items", model(a=Annotated[list[int], Field(max_length=3)]), model(a=Annotated[list[int], Field(max_length=2)]), "bound_narrowed", "$.a", ({"a": [1, 2, 3]}, "new")),
    ("map bounded", model(a=dict[str, int]), model(a=Annotated[dict[str, int], Field(max_length=1)]), "bound_narrowed", "$.a", ({"a": {"x": 1, "y": 2}}, "new")),
    ("pattern changed", model(a=text(pattern="^a+$")), model(a=text(pattern="^b+$")), "pattern_changed", "$.a", ({"a": "a"}, "new")),
    ("pattern added", model(a=str), model(a=text(pattern="^b+$")), "pattern_narrowed", "$.a", ({"a": "a"}, "new")),
    ("pattern dropped", model(a=text(pattern="^b+$")), model(a=str), "pattern_widened", "$.a", ({"a": "a"}, "old")),
    ("format added", model(a=str), model(a=datetime), "format_narrowed", "$.a", ({"a": "x"}, "new")),
    ("format changed", model(a=datetime), model(a=UUID), "format_changed", "$.a", ({"a": "2026-01-01T00:00:00Z"}, "new")),
    ("multiple added", model(a=int), model(a=number(multiple_of=2)), "constraint_changed", "$.a", ({"a": 1}, "new")),
    ("map's values changed", model(a=dict[str, int]), model(a=dict[str, str]), "type_changed", "$.a{}", ({"a": {"x": 1}}, "new")),
    ("map's names narrowed", model(a=dict[str, int]), model(a=dict[Literal["x"], int]), "type_narrowed", "$.a{name}", ({"a": {"y": 1}}, "new")),
    ("map to model", model(a=dict[str, int]), model(a=model(x=(str, ""))), "type_changed", "$.a.x", ({"a": {"x": 1}}, "new")),
    ("open map to empty model", model(a=dict[str, Any]), model(a=model()), "field_removed", "$.a{}", None),
    ("tuple's place changed", model(a=tuple[int, str]), model(a=tuple[int, int]), "type_changed", "$.a[1]", ({"a": [1, "x"]}, "new")),
    ("tuple grown", model(a=tuple[int]), model(a=tuple[int, int]), "bound_changed", "$.a", ({"a": [1]}, "new")),
    ("member added", model(p=PETS), model(p=one_of(Cat, Dog, Hound)), "variant_added", "$.p", ({"p": {"kind": "hound", "name": "x"}}, "old")),
    ("member removed", model(p=PETS), model(p=one_of(Cat, Hound)), "variant_removed", "$.p", ({"p": {"kind": "dog", "name": "x"}}, "new")),
    ("member's new required field", PETS, one_of(Cat, LoudDog), "field_required", "$<dog>.volume", ({"kind": "dog", "name": "x"}, "new")),
    ("union's tag renamed", PETS, one_of(TypedCat, TypedDog, by="type"), "discriminator_changed", "$", ({"kind": "dog", "name": "x"}, "new")),
    ("union to one member", PETS, Cat, "value_removed", "$.kind", ({"kind": "dog", "name": "x"}, "new")),
    ("recursive type changed", Node, TextNode, "type_changed", "$.value", ({"value": 1}, "new")),
    ("closed model grown", Closed, ClosedWithMore, "field_added_to_closed", "$.b", ({"a": 1, "b": 2}, "old")),
    ("model closed", model(a=int, b=(int, 0)), Closed, "field_removed", "$.b", ({"a": 1, "b": 2}, "new")),
]  # fmt: skip

# name, old, new, values that either side may write
ALLOWED: list[tuple[str, Any, Any, list[Any]]] = [
    ("nothing", model(a=int), model(a=int), [{"a": 1}]),
    ("new optional field", model(a=int), model(a=int, b=(int | None, None)), [{"a": 1}, {"a": 1, "b": 2}]),
    ("new defaulted field", model(a=int), model(a=int, b=(str, "x")), [{"a": 1}, {"a": 1, "b": "y"}]),
    ("new optional model", model(a=int), model(a=int, i=(INNER | None, None)), [{"a": 1, "i": {"x": 1}}]),
    (
        "nested optional field",
        model(i=INNER),
        model(i=INNER_MORE),
        [{"i": {"x": 1, "y": 2}}, {"i": {"x": 1}}],
    ),
    (
        "new optional union",
        model(a=int),
        model(a=int, p=(PETS | None, None)),
        [{"a": 1, "p": {"kind": "dog", "name": "x"}}],
    ),
    ("default changed", model(a=(int, 1)), model(a=(int, 2)), [{}, {"a": 5}]),
    (
        "described",
        model(a=int),
        model(a=Annotated[int, Field(title="A", description="An a.", examples=[1])]),
        [{"a": 1}],
    ),
    ("models renamed", model(i=INNER), model(i=create_model("Other", x=(int, ...))), [{"i": {"x": 1}}]),
    ("fields reordered", model(a=int, b=int), model(b=int, a=int), [{"a": 1, "b": 2}]),
    ("union reordered", model(a=int | str), model(a=str | int), [{"a": 1}, {"a": "x"}]),
    ("members reordered", PETS, one_of(Dog, Cat), [{"kind": "dog", "name": "x"}]),
    ("enum reordered", model(a=Literal["x", "y"]), model(a=Literal["y", "x"]), [{"a": "y"}]),
    (
        "one literal as an enum of one",
        model(a=Literal["x"]),
        model(a=Literal["x"] | Literal["x"]),
        [{"a": "x"}],
    ),
    (
        "recursive model grown",
        Node,
        create_model("Grown", __base__=Node, note=(str, "")),
        [{"value": 1, "note": "x"}],
    ),
    ("item grown", model(a=list[INNER]), model(a=list[INNER_MORE]), [{"a": [{"x": 1, "y": 1}]}]),
    (
        "map value grown",
        model(a=dict[str, INNER]),
        model(a=dict[str, INNER_MORE]),
        [{"a": {"k": {"x": 1, "y": 1}}}],
    ),
    ("list as variadic tuple", model(a=list[int]), model(a=tuple[int, ...]), [{"a": [1, 2]}]),
]


def accepts(of: Any, value: Any) -> bool:
    try:
        TypeAdapter(of).validate_python(value, strict=False)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("old", "new", "kind", "path"), [c[1:5] for c in BREAKS], ids=[c[0] for c in BREAKS])
def test_break_is_found(old: Any, new: Any, kind: str, path: str) -> None:
    assert (path, kind) in [(b.path, b.kind) for b in breaks(schema(old), schema(new))]


@pytest.mark.parametrize(
    ("old", "new", "witness"),
    [(c[1], c[2], c[5]) for c in BREAKS if c[5]],
    ids=[c[0] for c in BREAKS if c[5]],
)
def test_break_is_real(old: Any, new: Any, witness: tuple[Any, str]) -> None:
    """One side accepts the value and the other rejects it, so the table of breaks is correct."""
    value, rejecter = witness
    assert accepts(old, value) is (rejecter == "new")
    assert accepts(new, value) is (rejecter == "old")


@pytest.mark.parametrize(("old", "new"), [c[1:3] for c in ALLOWED], ids=[c[0] for c in ALLOWED])
def test_allowed_change_passes(old: Any, new: Any) -> None:
    assert breaks(schema(old), schema(new)) == []


@pytest.mark.parametrize(("old", "new", "values"), [c[1:] for c in ALLOWED], ids=[c[0] for c in ALLOWED])
def test_allowed_change_is_harmless(old: Any, new: Any, values: list[Any]) -> None:
    for value in values:
        assert accepts(old, value), f"old readers reject {value}"
        assert accepts(new, value), f"new readers reject {value}"


def test_a_break_names_its_path_and_the_rejecting_side() -> None:
    (found,) = breaks(schema(model(a=int)), schema(model(a=str)))
    assert str(found) == (
        "$.a: type_changed: old to new: integer is rejected where string is accepted; "
        "new to old: string is rejected where integer is accepted"
    )


def test_a_difference_in_an_unknown_keyword_is_a_break() -> None:
    plain, odd = {"type": "string"}, {"type": "string", "contentEncoding": "base64"}
    assert [b.kind for b in breaks(plain, odd)] == ["constraint_changed"]
    assert breaks(odd, odd) == []


def test_a_schema_that_cannot_be_read_is_a_break() -> None:
    dangling = {"$ref": "#/$defs/Nowhere"}
    assert [b.kind for b in breaks(dangling, dangling)] == ["unsupported_schema"]
    contradictory = {"type": "string", "anyOf": [{"type": "integer"}]}
    assert [b.kind for b in breaks(contradictory, contradictory)] == ["unsupported_schema"]


def test_alternatives_of_required_fields() -> None:
    """An ask needs a question or messages. Dropping or adding such a rule is a break."""
    fields = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    either = {**fields, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    assert breaks(either, either) == []
    assert {b.kind for b in breaks(fields, either)} == {"field_required"}
    assert {b.kind for b in breaks(either, fields)} == {"field_optional"}
