"""How strongly and how lately somebody has to have signed in, and what they are told when they have not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.edge.problems import Problem, ProblemType
from keyholder.registry.sign_in import ASSURANCE, SIGN_IN_OLD, SIGN_IN_WEAK, SignIn, SignInRules

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
RULES = SignInRules()
STRICT = SignInRules(least_to_release=3)


@given(
    st.sampled_from([*ASSURANCE, "", "aal2", "AAL4"]),
    st.integers(-120, 2_000).map(lambda seconds: timedelta(seconds=seconds)),
    st.booleans(),
    st.sampled_from([2, 3]),
)
def test_only_a_strong_and_recent_sign_in_will_do(acr: str, ago: timedelta, releasing: bool, least: int) -> None:
    refusal = SignInRules(least_to_release=least).refused(SignIn(acr, NOW - ago), NOW, releasing=releasing)
    strong = ASSURANCE.get(acr, 0) >= (least if releasing else 2)
    recent = timedelta(minutes=-1) <= ago <= timedelta(minutes=15)
    assert (refusal is None) == (strong and recent)
    if refusal is not None:
        assert replace(refusal, step_up=None) == (SIGN_IN_OLD if strong else SIGN_IN_WEAK)
        assert refusal.step_up is not None
        for told in refusal.step_up.acr_values:
            again = SignIn(told, NOW - timedelta(seconds=refusal.step_up.max_age))
            assert SignInRules(least_to_release=least).refused(again, NOW, releasing=releasing) is None


@pytest.mark.parametrize("rules", [{"least": 1}, {"least_to_release": 1}, {"least": 0, "least_to_release": 3}])
def test_nobody_sets_it_below_aal2(rules: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="AAL2"):
        SignInRules(**rules)  # type: ignore[arg-type]  # whole numbers, all of them


def test_what_is_asked_for_a_release_can_be_more_and_never_less() -> None:
    second = SignIn("AAL2", NOW)
    assert STRICT.refused(second, NOW) is None
    refusal = STRICT.refused(second, NOW, releasing=True)
    assert refusal is not None
    assert refusal.step_up is not None
    assert refusal.step_up.acr_values == ("AAL3", "AAL3_ANY")
    assert SignInRules(least=3).refused(second, NOW, releasing=True) is not None


def test_a_client_is_told_in_the_words_of_rfc_9470() -> None:
    refusal = STRICT.refused(SignIn("AAL2", NOW), NOW, releasing=True)
    assert refusal is not None
    problem = Problem.of(refusal)
    assert problem.type is ProblemType.SIGN_IN_AGAIN
    assert problem.headers == {
        "www-authenticate": 'Bearer error="insufficient_user_authentication", acr_values="AAL3 AAL3_ANY", max_age="900"'
    }
