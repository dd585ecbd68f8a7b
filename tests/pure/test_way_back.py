"""Which releases a rollback can reach: by activation, past what a rollback left, whatever was removed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.fleet import CannotPlan
from tests.pure.going_back import back, went
from tests.pure.making import OLD, OLDEST, V10, V11, V101, fleet, host


def test_before_means_activated_before_and_not_the_older_directory() -> None:
    """v1.0 was served again after v1.0.1, and then v1.1: v1.1 replaced v1.0, and v1.0.1 was left by a rollback."""
    again = replace(V10, activated=(1_790_000_000, 1_791_500_000))
    on = fleet(host(releases=(again, V101, V11)))
    assert back(on).facts["release"] == OLDEST
    with pytest.raises(
        CannotPlan, match=r"keeps 1 release before v1\.1, so it cannot go back 2\. .* v1\.0 or v1\.0\.1"
    ):
        back(on, steps=2)
    assert back(on, version="v1.0.1").facts["release"] == OLD


@pytest.mark.parametrize(
    ("activations", "way"),
    [
        ("0", ""),
        ("0 1", "0"),
        ("0 1 2", "1 0"),
        ("0 2 0", ""),
        ("0 1 2 1", "0"),
        ("0 1 2 0", ""),
        ("0 1 0 2", "0"),
        ("0 1 0 2 0", ""),
        ("0 1 0 2 3", "2 0"),
        ("0 2 0 2", "0"),
        ("0 1 2 1 0", ""),
        ("0 1 2 1 3 1", "0"),
    ],
)
def test_the_way_back_leads_past_what_was_left_by_a_rollback(activations: str, way: str) -> None:
    on = went(*activations.split())
    assert [release.id for release in on.hosts[0].way_back()] == way.split()
    for steps, release in enumerate(way.split(), 1):
        assert back(on, steps=steps).facts["release"] == release


@given(st.lists(st.sampled_from(["roll back", "deploy"]), max_size=30))
def test_rolling_back_again_and_again_never_comes_back_to_what_was_left(acts: list[str]) -> None:
    """The model: a deploy goes on top, a rollback takes the top away, and where there is one only it is refused."""
    served, path = ["0"], ["0"]
    for number, act in enumerate(acts, 1):
        if act == "deploy":
            path.append(str(number))
        elif len(path) == 1:
            with pytest.raises(CannotPlan):
                back(went(*served))
            continue
        else:
            path.pop()
            assert back(went(*served)).facts["release"] == path[-1]
        served.append(path[-1])
    assert [release.id for release in went(*served).hosts[0].way_back()] == path[-2::-1]


@given(st.lists(st.sampled_from("01234"), min_size=1, max_size=20), st.sets(st.sampled_from("01234")))
def test_whatever_was_served_and_removed_the_way_back_is_kept_older_and_without_the_served(
    ids: list[str], dropped: set[str]
) -> None:
    seen = went(*ids, dropped=tuple(dropped - {ids[-1]})).hosts[0]
    way = seen.way_back()
    assert seen.current not in [release.id for release in way]
    first = [seen.releases.index(release) for release in way]
    assert len(set(first)) == len(first) and set(way) <= set(seen.releases)


def test_a_served_release_that_nobody_recorded_stands_after_the_recorded_ones() -> None:
    adopted = replace(V11, activated=())
    assert [r.id for r in host(releases=(V10, V101, adopted)).way_back()] == [OLD, OLDEST]
    assert [r.id for r in host(releases=(V10, V101), current="").way_back()] == [OLD, OLDEST]
    by_hand = host(releases=(V10, V101, V11), current=OLD)
    assert [r.id for r in by_hand.way_back()] == [OLDEST]


def test_a_release_that_never_served_anybody_is_no_way_back() -> None:
    on = fleet(host(releases=(V10, replace(V101, activated=()), V11)))
    assert back(on).facts["release"] == OLDEST
    with pytest.raises(CannotPlan, match=r"v1\.0\.1 is not kept on app1\. You can roll back to v1\.0\."):
        back(on, version="v1.0.1")


def test_the_newest_of_two_releases_of_a_version_is_taken_if_all_hosts_keep_it() -> None:
    newer = replace(V10, id="20261020_100000", activated=(1_791_800_000,))
    both = (V10, V101, newer, V11)
    assert back(fleet(host(releases=both)), version="v1.0").facts["release"] == newer.id
    on = fleet(host("app1", releases=both), host("app2"))
    assert back(on, version="v1.0").facts["release"] == OLDEST
