"""Messages of every class: one with all attributes set, and whole families of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from ixproxy.messages import Message
from ixproxy.wire.names import ROWS, NameRow

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
# A routing attribute takes at most 255 bytes of UTF-8.
short_texts = st.text(max_size=60)


@cache
def message_of(message: type[Message]) -> st.SearchStrategy[Message]:
    """Every message of one class."""
    return _structures(message)


def any_message() -> st.SearchStrategy[Message]:
    """Every message of every class."""
    return st.sampled_from(ROWS).flatmap(lambda row: message_of(row.message))


def _structures(structure: type[Any]) -> st.SearchStrategy[Any]:
    described = inspect.type_info(structure)
    assert isinstance(described, inspect.StructType)
    required = {field.name: _values(field) for field in described.fields if field.required}
    optional = {field.name: _values(field) for field in described.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(
        lambda values: structure(**values)
    )


def _values(field: inspect.Field) -> st.SearchStrategy[Any]:
    if field.name == "tenant_id":
        return st.integers(0, 2**32 - 1)
    return _of_type(field.type)


def _of_type(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.IntType(ge=least, le=most):
            return st.integers(least, most)
        case inspect.FloatType(ge=least, le=most):
            return st.floats(least, most)
        case inspect.BoolType():
            return st.booleans()
        case inspect.StrType():
            return short_texts
        case inspect.BytesType():
            return st.binary(max_size=20)
        case inspect.NoneType():
            return st.none()
        case inspect.AnyType():
            return anything
        case inspect.ListType(item_type=item):
            return st.lists(_of_type(item), max_size=3)
        case inspect.VarTupleType(item_type=item):
            return st.lists(_of_type(item), max_size=3).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*map(_of_type, items))
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of_type(key), _of_type(value), max_size=3)
        case inspect.UnionType(types=types):
            return st.one_of(*map(_of_type, types))
        case inspect.StructType(cls=structure):
            return _structures(structure)
    raise AssertionError(f"no values are known for {kind}")


def bare(row: NameRow) -> Message:
    """A message with nothing but what must be there."""
    fields = msgspec.structs.fields(row.message)
    values: dict[str, Any] = {field.name: field.name for field in fields if field.required}
    values |= {name: 1 if name == "tenant_id" else name for name in row.required}
    return row.message(**values)


def full(row: NameRow) -> Message:
    """A message with all attributes set, each to a value that differs from its default."""
    filled = _filled(row.message, 1)
    assert isinstance(filled, row.message)
    return filled


def _filled(structure: type[Any], salt: int) -> Any:
    described = inspect.type_info(structure)
    assert isinstance(described, inspect.StructType)
    values = {}
    for number, field in enumerate(described.fields, salt):
        values[field.name] = _one_of_type(field.type, field.encode_name, number)
    return structure(**values)


def _one_of_type(kind: inspect.Type, name: str, number: int) -> Any:
    match kind:
        case inspect.IntType():
            return 100 + number
        case inspect.FloatType():
            return 1_700_000_000.5 + number
        case inspect.BoolType():
            return not name.startswith("InFocus")
        case inspect.StrType():
            return f"{name} é"
        case inspect.BytesType():
            return name.encode()
        case inspect.AnyType():
            return {"text": "日本", "number": -number, "list": [1.5, True, None, b"\x00\xff"]}
        case inspect.ListType(item_type=item):
            return [_one_of_type(item, name, number)]
        case inspect.VarTupleType(item_type=item):
            return (1, _one_of_type(item, name, number))
        case inspect.TupleType(item_types=items):
            return tuple(_one_of_type(item, name, number + at) for at, item in enumerate(items))
        case inspect.DictType(key_type=key, value_type=value):
            return {
                _one_of_type(key, f"{name}-{turn}", turn): _one_of_type(value, name, number + turn)
                for turn in (2, 1)
            }
        case inspect.UnionType(types=types):
            wanted = next(one for one in types if not isinstance(one, inspect.NoneType))
            return _one_of_type(wanted, name, number)
        case inspect.StructType(cls=structure):
            return _filled(structure, number)
    raise AssertionError(f"no value is known for {kind}")
