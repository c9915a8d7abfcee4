"""Objects of row links joined: what each of them says is said, nothing else is, and no join grows without end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.pseudonyms import link_joining
from keyholder.pseudonyms.link_joining import MANY, MOST_BYTES, Join, joined_name, to_join
from keyholder.pseudonyms.row_links import DIGEST_LENGTH, digests_of, object_of

Digests = st.sets(st.binary(min_size=DIGEST_LENGTH, max_size=DIGEST_LENGTH), max_size=20)


@pytest.mark.parametrize("arrays_from", [0, link_joining._ARRAYS_FROM])
@given(st.lists(Digests, max_size=5))
def test_a_joined_object_says_what_its_parts_say(arrays_from: int, parts: list[set[bytes]]) -> None:
    """With numpy, and without."""
    join = Join()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link_joining, "_ARRAYS_FROM", arrays_from)
        assert all(join.takes(object_of(b"".join(sorted(part)))) for part in parts)
    held = bytes(digests_of(join.to_bytes()))
    assert held == b"".join(sorted(set().union(*parts)))


def test_a_join_reads_no_more_than_it_has_room_for() -> None:
    parts = [object_of(bytes([place]) * DIGEST_LENGTH) for place in range(3)]
    join = Join(2 * len(parts[0]))
    assert [join.takes(part) for part in parts] == [True, True, False]
    assert join.to_bytes() == object_of(bytes(DIGEST_LENGTH) + bytes([1]) * DIGEST_LENGTH)


def test_a_damaged_object_is_not_joined() -> None:
    with pytest.raises(ValueError, match="row links"):
        Join().takes(object_of(bytes(DIGEST_LENGTH))[:-1])


@given(st.dictionaries(st.text("ab", max_size=4), st.integers(0, 2 * MOST_BYTES), max_size=40))
def test_what_is_full_is_left_alone_and_the_smallest_come_first(sizes: dict[str, int]) -> None:
    chosen = to_join(sizes)
    assert not chosen or len(chosen) >= MANY
    assert [sizes[name] for name in chosen] == sorted(sizes[name] for name in chosen)
    small = {name for name, size in sizes.items() if size <= MOST_BYTES // 2}
    assert set(chosen) == (small if len(small) >= MANY else set())


@given(Digests, Digests)
def test_a_name_tells_what_it_says(one: set[bytes], other: set[bytes]) -> None:
    names = [joined_name(object_of(b"".join(sorted(each)))) for each in (one, other)]
    assert (names[0] == names[1]) == (one == other)
