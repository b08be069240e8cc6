"""What people read beside a version."""

from tuneloom.release.description import describe, number


def test_a_version_tells_verdict_scores_and_licences() -> None:
    metric = {"base": 1.92, "tuned": 1.57, "difference": -0.35, "low": -0.46, "high": -0.24}
    reason = "Against the base: loss is better."
    text = describe({"verdict": "promote", "reason": reason, "n": 150, "metrics": {"loss": metric}}, "smol", ["MIT"])
    assert text.startswith(f"Tuned from **smol**. The gate says **promote** (150 rows). {reason}")
    assert "| loss | 1.92 | 1.57 | -0.35 | -0.46 to -0.24 |" in text
    assert text.endswith("Licences of the training rows: MIT.")


def test_what_was_not_measured_is_a_dash_and_never_zero() -> None:
    assert (number(None), number(0.0), number(0.123456)) == ("–", "0", "0.1235")
