"""JSON read strictly: as Python reads it, but for what would be lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.model.json_texts import JsonError, read_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab\\"é😀', max_size=3), inner, max_size=4),
    max_leaves=20,
)


def faults(text: str | bytes) -> list[tuple[str, str, int, int]]:
    """The faults of a text: message, path, line and column."""
    with pytest.raises(JsonError) as refused:
        read_json(text)
    return [(fault.message, fault.path, fault.line, fault.column) for fault in refused.value.faults]


@given(values, st.booleans())
def test_what_python_writes_is_read_as_it_was(value: Any, is_ascii: bool) -> None:
    """A key in two objects is no doubled key."""
    text = json.dumps(value, ensure_ascii=is_ascii, indent=1)

    assert json.dumps(read_json(text)) == json.dumps(value)
    assert json.dumps(read_json(text.encode())) == json.dumps(value)


@given(values.filter(bool), st.data())
def test_a_planted_fault_is_found_at_its_path(value: Any, data: st.DataObject) -> None:
    """The path is taken from the value, not from the text."""
    paths: list[str] = []

    def holes(part: Any, path: str) -> Any:
        """The same value with each leaf replaced by the number of its path."""
        if isinstance(part, dict):
            return {key: holes(inner, f"{path}.{key}" if path else key) for key, inner in part.items()}
        if isinstance(part, list):
            return [holes(inner, f"{path}[{index}]") for index, inner in enumerate(part)]
        paths.append(path)
        return f"hole {len(paths) - 1}."

    template = json.dumps(holes(value, ""))
    if not paths:
        return
    chosen = data.draw(st.integers(0, len(paths) - 1))
    planted = data.draw(st.sampled_from(["NaN", "-Infinity", "1e999", "-2E400"]))
    text = template.replace(f'"hole {chosen}."', planted)

    ((message, path, line, column),) = faults(text)
    assert planted in message
    assert (path, line) == (paths[chosen], 1)
    assert text[column - 1 :].startswith(planted)


def test_all_faults_are_found_each_at_its_place() -> None:
    """Escapes do not hide that two keys are one, nor do texts that look like faults count."""
    text = '{"a": "NaN \\" {", "b": [{"\\u0063": 1,\n "c": 2}, {"c": NaN}],\n"a": 1e999}'

    assert faults(text) == [
        ('the key "c" comes twice', "b[0].c", 2, 2),
        ("NaN is not JSON", "b[1].c", 2, 17),
        ('the key "a" comes twice', "a", 3, 1),
        ("1e999 is beyond the range of a float", "a", 3, 6),
    ]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("", "Expecting value", 1, 1),
        ('{"a": 1,\n}', "", 2, 1),
        ("\ufeff{}", "a byte order mark (U+FEFF), which JSON does not have,", 1, 1),
        (b"\xef\xbb\xbf{}", "a byte order mark (U+FEFF), which JSON does not have,", 1, 1),
        ('{"a":\ufeff1}', "a byte order mark (U+FEFF), which JSON does not have,", 1, 6),
        ("[]".encode("utf-16"), "it begins with the byte order mark of UTF-16, ff fe; save it as UTF-8", 0, 0),
        (b'{"a": "\xff"}', "it is not UTF-8 text: byte 7 is wrong", 0, 0),
        ("[" * 100_000, "it is nested too deep", 0, 0),
        ('["\\ud800"]', "it has half of a surrogate pair, which is no character", 0, 0),
    ],
)
def test_other_text_is_told_with_its_place(text: str | bytes, message: str, line: int, column: int) -> None:
    """The place is where reading ended."""
    ((told, path, *place),) = faults(text)

    assert message in told
    assert path == ""
    assert place == [line, column]
    with pytest.raises(JsonError) as refused:
        read_json(text)
    assert refused.value.is_syntax


def test_an_integer_of_thousands_of_digits_is_told_with_its_path() -> None:
    """Python refuses to convert it, as that takes quadratic time."""
    assert faults('{"n": [' + "9" * 5_000 + "]}") == [("an integer of more than 4300 digits", "n[0]", 1, 8)]
