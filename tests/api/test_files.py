"""Files are replaced as a whole or not at all."""

from pathlib import Path

import pytest

from api.files import replacing
from graph.errors import ConfigurationError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    file.write_text("before")

    with replacing(file) as temporary:
        temporary.write(b"after")
        assert file.read_text() == "before"

    assert file.read_text() == "after"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"cannot write .*No such file"),
        replacing(tmp_path / "absent" / "out.json"),
    ):
        pass


def test_what_fails_in_between_leaves_the_old_content(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("before")

    with pytest.raises(TypeError), replacing(file) as temporary:
        temporary.writelines([b"half", "a text"])  # type: ignore[list-item]  # which is no bytes

    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
