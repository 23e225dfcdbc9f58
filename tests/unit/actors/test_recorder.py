"""How finely the recorder samples."""

import pytest

from actors.recorder import sample_interval_ns

SEC = 1_000_000_000
DAY = 86_400 * SEC


@pytest.mark.parametrize(
    ("span_ns", "expected_ns"),
    [
        (0, SEC // 10),
        (1_000 * SEC, SEC // 10),
        (1_000 * SEC + 1, SEC // 2),
        (30 * DAY, 300 * SEC),
        (365 * DAY, 3_600 * SEC),
        (100_000 * DAY, DAY),
    ],
)
def test_a_run_is_sampled_as_finely_as_ten_thousand_samples_allow(span_ns, expected_ns):
    start_ns = 1_700_000_000 * SEC

    interval_ns = sample_interval_ns(start_ns, start_ns + span_ns)

    assert interval_ns == expected_ns


@pytest.mark.parametrize("days", [0.001, 0.01, 0.1, 1, 10, 100, 1_000, 10_000])
def test_every_day_end_is_a_sample(days):
    assert DAY % sample_interval_ns(0, int(days * DAY)) == 0
