from hypothesis import given
from hypothesis import strategies as st

from edgecnn.quantize.groups import Groups

pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)))


@given(pairs)
def test_things_are_in_one_set_where_a_chain_of_joins_links_them(joined):
    groups: Groups[int] = Groups()
    for left, right in joined:
        groups.join(left, right)
    reached = {item: {item} for item in range(10)}
    for _ in range(10):
        for left, right in joined:
            union = reached[left] | reached[right]
            for item in union:
                reached[item] = reached[item] | union
    wanted = {tuple(sorted(each)) for each in reached.values()}
    assert sorted(map(tuple, groups.sets(range(10)))) == sorted(wanted)


def test_sets_keep_the_order_of_the_items():
    groups: Groups[str] = Groups()
    groups.join("c", "a")
    assert groups.sets("abcd") == [["a", "c"], ["b"], ["d"]]
