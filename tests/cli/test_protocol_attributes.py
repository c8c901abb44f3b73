from __future__ import annotations

from ixproxy.cli.protocol_attributes import ATTRIBUTES, EXTENSION_KEYS, STRUCTURE_ATTRIBUTES
from ixproxy.cli.protocol_page import STRUCTURES, meanings
from ixproxy.wire.names import ROWS


def test_every_attribute_has_a_meaning_and_no_meaning_is_left_over() -> None:
    named = set()
    for row in ROWS:
        said = meanings(row.message)
        for field, name in zip(
            row.message.__struct_fields__, row.message.__struct_encode_fields__, strict=True
        ):
            named.add(name)
            assert field in said or name in ATTRIBUTES, f"{row.name}.{name}"
    in_structures = {name for each in STRUCTURES for name in each.__struct_encode_fields__}
    assert set(ATTRIBUTES) - named - in_structures == set()
    assert set(STRUCTURE_ATTRIBUTES) - in_structures == set()


def test_meanings_are_short_and_can_stand_in_a_table() -> None:
    texts = [*ATTRIBUTES.values(), *STRUCTURE_ATTRIBUTES.values()]
    texts += [text for _, _, text in EXTENSION_KEYS]
    assert all(text and "|" not in text and not text.endswith(".") for text in texts)
    assert max(map(len, texts)) < 110
