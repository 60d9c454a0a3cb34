"""Text files of numbers: what strangers' files look like, and what must never be guessed."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import InputError
from dropgan.serve.reporter import Reporter
from dropgan.train.data import DataError, DataOptions, VectorData, load_data


def read(
    tmp_path: Path, text: str | bytes, name: str = "a.csv", **options: str
) -> tuple[VectorData, list[str]]:
    """What is read of a file, and what is said."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    said: list[str] = []
    data = load_data(str(path), options=DataOptions(**options), reporter=Reporter(note=said.append))  # type: ignore[arg-type]
    assert isinstance(data, VectorData)
    return data, said


def refused(tmp_path: Path, text: str | bytes, name: str = "a.csv", **options: str) -> str:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, name, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "columns", "first"),
    [
        ("a.csv", "a,b\n1,2\n3,4\n", ("a", "b"), (1, 2)),
        ("a.csv", 'a,b\n"1","2"\n"3","4"\n', ("a", "b"), (1, 2)),
        ("a.csv", '"x; y",b\n1,2\n3,5\n4,4\n', ("x; y", "b"), (1, 2)),
        ("a.csv", '"x, y",b\n1,2\n3,5\n', ("x, y", "b"), (1, 2)),
        ("a.csv", '"of\ntwo lines",b\n1,2\n3,5\n', ("of\ntwo lines", "b"), (1, 2)),
        ("a.csv", '\r\n"say ""a""",b\r\n1,2\r\n3,5\r\n', ('say "a"', "b"), (1, 2)),
        ("a.csv", "weight, kg;height, cm\n1.5;2\n3;4\n", ("weight, kg", "height, cm"), (1.5, 2)),
        ("a.csv", "a;b\n1,5;2\n3;4,25\n", ("a", "b"), (1.5, 2)),
        ("a.csv", "a;b\n-1,5;2\n3;4\n", ("a", "b"), (-1.5, 2)),
        ("a.csv", "a,b;c,d\n1;2\n3;4\n", ("a,b", "c,d"), (1, 2)),
        ("a.csv", "a,b;c\n1,2;3,4\n5,6;7,8\n", ("a,b", "c"), (1.2, 3.4)),
        ("a.csv", "price\n9,92\n8,10\n", ("price",), (9.92,)),
        ("a.csv", "a|b\n1|2\n3|4\n", ("a", "b"), (1, 2)),
        ("a.csv", "1.5 2\n3 4\n", ("column_0", "column_1"), (1.5, 2)),
        ("a.csv", "a, b\n1, 2\n3, 4\n", ("a", "b"), (1, 2)),
        ("a.csv", "x\n1\n2\n", ("x",), (1,)),
        ("a.csv", "1\n2\n", ("column_0",), (1,)),
        ("a.csv", "a,b\r1,2\r3,4\r", ("a", "b"), (1, 2)),
        ("a.csv", "a,b\n1,true\n2,false\n", ("a", "b"), (1, 1)),
        ("a.csv", "1e3,-.5\n2,3\n", ("column_0", "column_1"), (1000, -0.5)),
        ("a.tsv", "a, b, c\td\n1\t2\n3\t4\n", ("a, b, c", "d"), (1, 2)),
        ("a.tsv", "1,5\t2\n3,5\t4\n", ("column_0", "column_1"), (1.5, 2)),
        ("a.tsv", "a,b\n1,2\n3,4\n", ("a", "b"), (1, 2)),
        ("a.TSV", "a\tb\n1\t2\n3\t4\n", ("a", "b"), (1, 2)),
        ("a.csv", "# made by nobody\n# a,b\n1,2\n3,4\n", ("a", "b"), (1, 2)),
        ("a.csv", "#a\tb\n1\t2\n3\t4\n", ("a", "b"), (1, 2)),
        ("a.csv", "# of 2020\na,b\n1,2\n3,4\n", ("a", "b"), (1, 2)),
        ("a.csv", "# 2020, 2021\n1.5,2\n3,4\n", ("column_0", "column_1"), (1.5, 2)),
    ],
)
def test_layouts(
    tmp_path: Path, name: str, text: str, columns: tuple[str, ...], first: tuple[float, ...]
) -> None:
    """Quotes, decimal commas, line ends, comments: other columns would be trained on without a word."""
    data, _ = read(tmp_path, text, name)
    assert data.columns == columns
    np.testing.assert_allclose(data.vectors[0], first)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(tmp_path: Path, coding: str) -> None:
    """Excel writes UTF-16 and byte-order marks; the mark must not become a part of the first name."""
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    text = marks.get(coding, b"") + "größe,b\r\n1,2\r\n3,4\r\n".encode(coding)
    data, _ = read(tmp_path, text)
    assert data.columns == ("größe", "b")
    assert data.vectors.tolist() == [[1, 2], [3, 4]]


def test_text_that_is_not_unicode(tmp_path: Path) -> None:
    """The names would be wrong in every table made later; the line says where."""
    message = refused(tmp_path, "a,größe\n1,2\n".encode("latin-1"))
    assert "line 1 is not UTF-8 text (byte 0xf6): save it as UTF-8" in message
    assert "NUL" in refused(tmp_path, "a,b\n1,2\n".encode("utf-16-le"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9,92\n8,10\n7,55\n", "'7,55' can be read in several ways: say --separator none or --separator ,"),
        ("1,234,567\n2,345,678\n", "'1,234,567' can be read in several ways"),
        ("1,2\n3,4\n", "say --separator none or --separator ,"),
        ("price, EUR\n9,92\n8,10\n", "'8,10' can be read in several ways"),
        ("pop\n1,234\n2,345\n", "'1,234' can be read in several ways: say --decimal , or take out"),
        ("a;b\n1,234;2,345\n3,456;1\n", "'1,234' can be read in several ways"),
        ("1.5,,3.5\n1,2,3\n", r"its first row \(1.5,,3.5\) could have the names"),
        ("NULL,2,3\n1,2,3\n", "could have the names"),
        ("setosa,2,3\nvirginica,2,3\n", "say --header or --no-header"),
        ("name,2019,2020\n1,2,3\n", "could have the names"),
        (",,\n1,2,3\n", "could have the names"),
        ("NA,?\n1,2\n", "could have the names"),
        ("a,b\n1,2\n3\n", r"with separator , row 1 has 2 and row 3 has 1"),
        ("title of the table\na,b\n1,2\n3,4\n", "with separator , row 1 has 1 and row 2 has 2"),
        ("a,b\n1,2\n3,4\n# total,7\n", r"not a \(string: '# total'\)"),
        ('a,b\n"1,234",2\n"5,678",3\n', r"not a \(string: '1,234'\)"),
        ("a,b\n1,2 %\n5,3 %\n", r"not b \(string: '2 %'\)"),
        ("a,kind\n1,x\n5,y\n", r"not kind \(string: 'x'\).*--label-column NAME"),
        ("a,class\n1,x\n5,y\n", "--label-column class"),
        ("a,day\n1,2020-01-01\n5,2020-01-02\n", r"not day \(date32"),
        ("a\n1\n\n3\n", "column a has missing values"),
        ("a,b\n1,NA\n5,3\n", "column b has missing values"),
        ("a,b\n", "no rows below the column names"),
        ("\n\n", "is empty"),
        ("# only\n", "it has no rows"),
        ("a,a\n1,2\n3,4\n", "more than one column a: rename them"),
        ("a,b\n1,inf\n2,3\n", "column b is holding values that are not finite"),
    ],
)
def test_never_guessed(tmp_path: Path, text: str, message: str) -> None:
    """What could mean two things is asked, what means nothing is refused: silence would be wrong data."""
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "options", "columns", "first"),
    [
        ("9,92\n8,10\n", {"separator": "none"}, ("column_0",), (9.92,)),
        ("9,92\n8,10\n", {"separator": ","}, ("column_0", "column_1"), (9, 92)),
        ("9,92\n8,10\n", {"decimal": ","}, ("column_0",), (9.92,)),
        ("9,92\n8,10\n", {"decimal": "."}, ("column_0", "column_1"), (9, 92)),
        ("1,234;2\n3,456;1\n", {"decimal": ","}, ("column_0", "column_1"), (1.234, 2)),
        ("1,234,567\n2,345,678\n", {"separator": ","}, ("column_0", "column_1", "column_2"), (1, 234, 567)),
        ("2019,2020\n1,2.5\n3,4\n", {"header": "yes"}, ("2019", "2020"), (1, 2.5)),
        ("2019,2020,1\n1,2,3\n3,4,5\n", {}, ("column_0", "column_1", "column_2"), (2019, 2020, 1)),
        ("a b\n1 2\n3 4\n", {"separator": "space"}, ("a", "b"), (1, 2)),
        ("a\tb\n1\t2\n3\t4\n", {"separator": "tab"}, ("a", "b"), (1, 2)),
        ("1,2\n3,4\n", {"header": "yes", "separator": ","}, ("1", "2"), None),
        ("name,2019\n1,2\n3,4\n", {"header": "yes"}, ("name", "2019"), (1, 2)),
    ],
)
def test_what_the_user_says(
    tmp_path: Path,
    text: str,
    options: dict[str, str],
    columns: tuple[str, ...],
    first: tuple[float, ...] | None,
) -> None:
    """An answer to each question; it must win over what looks likelier."""
    if first is None:
        assert "at least 2" in refused(tmp_path, text, **options)
        return
    data, _ = read(tmp_path, text, **options)
    assert data.columns == columns
    np.testing.assert_allclose(data.vectors[0], first)


def test_no_header_keeps_the_first_row(tmp_path: Path) -> None:
    """Else a row of a file without names becomes the names, and is lost."""
    assert "has missing values" in refused(tmp_path, "1.5,,3.5\n1,2,3\n", header="no")
    assert "string: 'setosa'" in refused(tmp_path, "setosa,2,3\nvirginica,2,4\n", header="no")
    data, _ = read(tmp_path, "x,1\ny,2\nx,3\n", header="no", label_column="column_0")
    assert data.class_names == ("x", "y")
    assert data.vectors[:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "options", [{"separator": "ab"}, {"separator": "1"}, {"decimal": ";"}, {"header": "maybe"}]
)
def test_impossible_options(options: dict[str, str]) -> None:
    """A separator that numbers have would cut them."""
    with pytest.raises(InputError):
        DataOptions(**options)  # type: ignore[arg-type]


def test_columns_without_a_name(tmp_path: Path) -> None:
    """They were dropped; now they are named, and it is said."""
    data, said = read(tmp_path, "a,,c\n" + "".join(f"{i}.5,{i * i}.5,{7 * i % 5}.5\n" for i in range(9)))
    assert data.columns == ("a", "column_1", "c")
    assert said == ["a.csv: columns without a name are called column_1"]


@pytest.mark.parametrize("first", ["", "Unnamed: 0"])
@pytest.mark.parametrize("index", [range(9), [4, 2, 9, 0, 1, 3, 7, 8, 6], "abcdefghi"])
def test_an_index_of_pandas(tmp_path: Path, first: str, index: list[object]) -> None:
    """A model would learn to count rows, and give a column that nobody has."""
    text = f"{first},a,b\n" + "".join(f"{row},{i % 4}.5,{i * i}.5\n" for i, row in enumerate(index))
    data, said = read(tmp_path, text)
    assert data.columns == ("a", "b")
    assert "rows' index" in said[0]


def test_what_is_no_index(tmp_path: Path) -> None:
    """A first column without a name that has values twice, or floats, is data, and is kept."""
    for values in ([1, 1, 2, 3], [1.5, 2.5, 3.5, 4.5]):
        data, said = read(tmp_path, ",a\n" + "".join(f"{v},{i * i}\n" for i, v in enumerate(values)))
        assert data.columns == ("column_0", "a")
        assert said == ["a.csv: columns without a name are called column_0"]
    data, _ = read(tmp_path, ",a\n" + "".join(f"{i},{i * i}.5\n" for i in range(4)), label_column="column_0")
    assert data.columns == ("a",)


def test_long_lines_and_late_floats(tmp_path: Path) -> None:
    """3,072 columns are lines of 70 kB; a column may be whole for a megabyte before its first fraction."""
    rows = np.random.default_rng(0).random((5, 3072))
    np.savetxt(tmp_path / "wide.csv", rows, delimiter=",")
    wide = load_data(str(tmp_path / "wide.csv"))
    np.testing.assert_array_equal(wide.samples, rows.astype(np.float32))
    lines = [f"{10**6 + i % 7},{i % 11}" for i in range(120_000)] + ["0.5,2"]
    late, _ = read(tmp_path, "a,b\n" + "\n".join(lines))
    assert len(late) == 120_001
    assert late.vectors[-1].tolist() == [0.5, 2]
    text = "a,b\n" + '1,"2"\n' * 100_000 + "3\n"
    assert "as a table" in refused(tmp_path, text)


def test_digits_that_are_lost_are_said(tmp_path: Path) -> None:
    """Identifiers of 60 bits are no numbers to a network; who keeps them must know what comes back."""
    text = "a,b\n" + "".join(f"{2**53 + 2**40 * i},{i}\n" for i in range(5))
    _, said = read(tmp_path, text)
    assert said == ["a: whole numbers beyond 16,777,216 keep seven digits: column a"]


def test_what_is_not_plain_is_said(tmp_path: Path) -> None:
    """Whoever gave another file than they thought sees it in one line."""
    assert read(tmp_path, "a;b\n1,5;2\n3;4\n")[1] == ["a.csv: read with separator ;, decimal ,"]
    assert "no names in its first row" in read(tmp_path, "1,2\n3,5\n4,2\n", separator=",")[1][0]
    assert "the last of which has the names" in read(tmp_path, "# a,b\n1,2\n3,4\n")[1][0]
    assert read(tmp_path, "a,b\n1,2\n3,4\n")[1] == []
