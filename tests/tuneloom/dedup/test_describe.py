"""The tables and lines that people read."""

from typing import Any

from tuneloom.dedup.describe import alarms, removed_at, tables


def stats(**more: Any) -> dict[str, Any]:
    cluster = {"survivor": "web:a:1", "size": 150, "wording": "Name the …", "sample": "Name the x"}
    crowd = {"texts": 0, "rows": 0, "most": 0, "examples": []}
    return {
        "rows": 1000,
        "bound": 0.8,
        "clusters": {"2": 5, "3": 1, "4": 2, "150": 1},
        "largest": [cluster],
        "by_source": {
            "web": {"rows": 400, "exact": 50, "near": 100, "largest": cluster},
            "forum": {"rows": 600, "exact": 0, "near": 12, "largest": None},
        },
        "by_file": [{"source": "web", "file": "a", "rows": 400, "lost": 150}],
        "across_sources": {"web": {"forum": 3, "web": 147}, "forum": {"web": 12}},
        "similarities": {"0.80": 12, "0.90": 100},
        "nearly": {"0.70": 7},
        "same_prompt_other_answers": {**crowd, "examples": [{"text": "Q", "rows": 4}]},
        "same_answer_other_prompts": crowd,
        **more,
    }


def rows_of(title: str) -> tuple[tuple[str, ...], ...]:
    return next(table.rows for table in tables(stats()) if table.title.startswith(title))


def test_each_threshold_tells_what_it_would_remove():
    assert removed_at(stats()) == {"0.70": 119, "0.80": 112, "0.90": 100}
    assert rows_of("What each") == (
        ("0.70", "at least 119", "11.9%"),
        ("0.80", "112", "11.2%"),
        ("0.90", "100", "10.0%"),
    )


def test_sources_tell_their_losses_with_the_wording_behind_them():
    assert rows_of("Rows lost")[0] == ("web", "400", "50", "100", "37.5%", "149 like: Name the …")
    assert rows_of("Files") == (("web", "a", "400", "150", "37.5%"),)


def test_duplicates_across_sources_are_a_matrix():
    (table,) = (table for table in tables(stats()) if table.title.startswith("Duplicates"))
    assert table.head == ("lost by \\ kept from", "forum", "web")
    assert table.rows == (("web", "3", "147"), ("forum", "", "12"))


def test_cluster_sizes_are_told_in_classes():
    assert rows_of("Sizes") == (("2", "5", "5"), ("3-4", "3", "8"), ("129-256", "1", "149"))


def test_tables_without_a_row_are_left_out():
    assert "One answer to many prompts (kept)" not in [table.title for table in tables(stats())]
    assert list(tables({})) == []


def test_t4_a_large_cluster_and_a_large_loss_are_said_aloud():
    assert list(alarms(stats())) == [
        "dedup: 150 rows (15.0%) resemble web:a:1: Name the …",
        "dedup: source web lost 150 of 400 rows, most of them like: Name the …",
    ]


def test_t4_small_data_raise_no_alarm():
    small = {"survivor": "web:a:1", "size": 99, "wording": "w", "sample": "s"}
    web = {"rows": 100, "exact": 99, "near": 0, "largest": small}
    assert list(alarms(stats(largest=[small], by_source={"web": web}))) == []
