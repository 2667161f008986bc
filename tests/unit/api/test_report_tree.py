import csv
import io

from api.browsing.report_tree import Node, csv_text, document

TREE = Node(
    "genre",
    "Action/Adventure",
    {"movies": 2, "mean": 8.1},
    [
        Node("decade", "a~b", {"movies": 9007199254740993}, [Node("movie", "1", {"title": 'One, "two"\r\nthree'})]),
        Node("decade", "2010", {"movies": 0, "mean": None}, []),
    ],
)


def test_a_leaf_has_no_children_and_another_node_may_have_none() -> None:
    assert document(TREE) == {
        "level": "genre",
        "movies": 2,
        "mean": 8.1,
        "children": [
            {
                "level": "decade",
                "movies": 9007199254740993,
                "children": [{"level": "movie", "title": 'One, "two"\r\nthree'}],
            },
            {"level": "decade", "movies": 0, "mean": None, "children": []},
        ],
    }


def test_the_file_has_a_record_for_each_node_with_its_path() -> None:
    text = csv_text(TREE, ["movies", "mean", "title"])
    assert [*csv.reader(io.StringIO(text, newline=""))] == [
        ["level", "path", "movies", "mean", "title"],
        ["genre", "/Action~1Adventure", "2", "8.1", ""],
        ["decade", "/Action~1Adventure/a~0b", "9007199254740993", "", ""],
        ["movie", "/Action~1Adventure/a~0b/1", "", "", 'One, "two"\r\nthree'],
        ["decade", "/Action~1Adventure/2010", "0", "", ""],
    ]
    assert text.startswith("level,path,movies,mean,title\r\n")
