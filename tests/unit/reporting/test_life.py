"""From draft to accepted: nothing unsigned is submitted, nothing signed changes."""

from __future__ import annotations

import itertools

import pytest

from registry.refusal import RefusedError
from reporting.life.life import Role, State, Step, after, after_signature

OTHERS = [step for step in Step if step is not Step.SIGN]


def test_three_sign_in_order() -> None:
    state, signed = State.DRAFT, list[Role]()
    for role in Role:
        state = after_signature(state, role, signed)
        signed.append(role)
    assert state is State.SIGNED


@pytest.mark.parametrize("order", [one for one in itertools.permutations(Role) if one != (*Role,)])
def test_out_of_turn_nobody_signs(order: tuple[Role, ...]) -> None:
    wrong = next(n for n, role in enumerate(order) if role is not [*Role][n])
    state = State.HANDED_IN if wrong else State.DRAFT
    with pytest.raises(RefusedError, match="现由"):
        after_signature(state, order[wrong], order[:wrong])


@pytest.mark.parametrize("state", [*State])
def test_only_what_is_signed_is_submitted(state: State) -> None:
    if state is State.SIGNED:
        assert after(state, Step.SUBMIT, "") is State.SUBMITTED
    else:
        with pytest.raises(RefusedError, match="不能报送"):
            after(state, Step.SUBMIT, "")


def test_no_way_to_submitted_goes_past_three_signatures() -> None:
    # Every way of up to seven steps from a draft; signatures are counted since the last draft.
    ways = [(State.DRAFT, 0)]
    for _ in range(7):
        then = []
        for state, count in ways:
            if state in {State.DRAFT, State.HANDED_IN}:
                role = [*Role][count]
                then.append((after_signature(state, role, [*Role][:count]), count + 1))
            for step in OTHERS:
                try:
                    reached = after(state, step, "因故")
                except RefusedError:
                    continue
                # A revision is another draft.
                anew = reached is State.DRAFT or step is Step.REVISE
                then.append((State.DRAFT if anew else reached, 0 if anew else count))
        assert all(count == 3 for state, count in then if state is State.SUBMITTED)
        ways = then
    assert any(state is State.ACCEPTED for state, _ in ways)


@pytest.mark.parametrize("step", [Step.TAKE_BACK, Step.RETURN, Step.REVISE])
def test_what_undoes_says_why(step: Step) -> None:
    states = {
        Step.TAKE_BACK: State.HANDED_IN,
        Step.RETURN: State.SUBMITTED,
        Step.REVISE: State.RETURNED,
    }
    with pytest.raises(RefusedError, match="须说明原因"):
        after(states[step], step, " ")
    assert after(states[step], step, "数字有误")


def test_a_refusal_says_where_it_stands_and_from_where_it_could_be_done() -> None:
    with pytest.raises(RefusedError) as refused:
        after(State.DRAFT, Step.ACCEPT, "")
    assert str(refused.value) == "报表草稿，不能审核通过：只有已报送的报表可以"
