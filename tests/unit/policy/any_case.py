"""Cases drawn at random, in the form of case files: lawful ones changed in some places, dates crowding at the edges.

Nothing here knows a rule; every value is one of the published vocabulary.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

Json = dict[str, Any]

LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)
DAYS = st.sampled_from(
    [date(2025, 6, 10), date(2025, 3, 30), date(2025, 10, 26), date(2022, 6, 30), date(2022, 7, 1), date(2018, 10, 12)]
)
IDENTIFIERS = ["nhs_number", "gp_local_patient_number", "local_patient_id", "postcode", "date_of_birth"]
PURPOSES = [
    *("research", "research_recruitment", "planning_commissioning", "public_health_protection", "individual_care"),
    *("risk_stratification_case_finding", "legal_requirement", "serious_harm_prevention", "official_statistics_ons"),
    *("cancer_patient_experience_survey", "cqc_patient_survey", "cancer_registration", "rare_disease_registration"),
    *("population_screening_oversight", "assuring_transformation", "invoice_validation_non_contracted"),
    *("marketing", "insurance", "solely_commercial", "opt_out_targeting"),
]
LAWFUL = [
    *(("s251_reg5", purpose) for purpose in (*PURPOSES[:3], *PURPOSES[8:16])),
    *(("s251_reg2", purpose) for purpose in ("research", "planning_commissioning", "cancer_registration")),
    *(("explicit_consent", purpose) for purpose in ("research", "research_recruitment")),
    ("copi_reg3", "public_health_protection"),
    *(("statutory_direction", purpose) for purpose in ("legal_requirement", "planning_commissioning", "research")),
    ("court_order", "legal_requirement"),
    ("overriding_public_interest", "serious_harm_prevention"),
    *(("implied_consent_direct_care", purpose) for purpose in (PURPOSES[1], PURPOSES[4], PURPOSES[5])),
]
BASES = sorted({basis for basis, _ in LAWFUL} | {"none"})
ROLES = [
    *("clinician", "commissioner_analyst", "controller_officer", "programme_officer", "public_health_officer"),
    "researcher",
]
FLAGS = st.booleans()


def moments(day: date) -> st.SearchStrategy[str]:
    """A moment of a London day, its first and its last among them, told in any zone."""
    first = datetime.combine(day, time(0), LONDON).astimezone(UTC)
    last = datetime.combine(day + DAY, time(0), LONDON).astimezone(UTC) - timedelta(seconds=1)
    inner = st.integers(0, int((last - first).total_seconds())).map(lambda seconds: first + timedelta(seconds=seconds))
    zones = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
    return st.tuples(st.one_of(st.sampled_from((first, last)), inner), zones).map(
        lambda pair: pair[0].astimezone(pair[1]).isoformat()
    )


def near(day: date, *distances: int) -> st.SearchStrategy[str]:
    """A day near `day`: the ones at these distances, their neighbours, and some others."""
    edges = sorted({edge + step for edge in (0, *distances) for step in (-1, 0, 1)})
    return st.one_of(st.sampled_from(edges), st.integers(-40, 40)).map(lambda away: (day + away * DAY).isoformat())


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Or null."""
    return st.none() | strategy


@st.composite
def requests(draw: st.DrawFn, day: date) -> Json:
    """Lawful in most places, so that every check is reached."""
    basis, purpose = draw(st.sampled_from(LAWFUL))
    asked = draw(st.lists(st.sampled_from(IDENTIFIERS), max_size=3, unique=True))
    required = draw(st.sampled_from([["X26"], ["X26", "RJ1"]]))
    lawful: Json = {
        "purpose": purpose,
        "legal_basis": basis,
        "output_form": "identifiable",
        "source_dataset": draw(st.sampled_from(["gp", "hospital", "social_care"])),
        "care_origin": "england_public",
        "project_id": "PRJ-0001",
        "identifiers_requested": asked,
        "identifiers_approved": asked,
        "controllers_required": required,
        "controllers_approved": required,
        "controllers_refused": [],
        "dsa": {"ref": "DARS-NIC-123456-A1B2C-v1.2", "ends_on": (day + DAY).isoformat()},
        "requester": {
            "role": "clinician",
            "accredited_until": day.isoformat(),
            "care_relationship": {"from": "2018-01-01T00:00:00+00:00", "to": None},
        },
        "cag": {
            "ref": "25/CAG/0036",
            "status": "supported",
            "next_review_on": day.isoformat(),
            "ends_on": None,
            "opt_out_condition": "standard",
            "exemption_letter_on_file": False,
            "permits_reidentification": True,
        },
        "rec": {"ref": "25/LO/0123", "favourable": True},
        "copi": {"notice": False, "notice_from": None, "notice_to": None, "purpose": "communicable_disease_outbreak"},
        "court_order": {"ref": "KB-2025-000123", "on_file": True},
        "public_interest_test": {"documented": True, "individual": True, "approved_by_role": "caldicott_guardian"},
        "direction": {"ref": "HSCA2012-s259-DPN-2025", "on_file": True},
    }
    other = {
        "purpose": st.sampled_from(PURPOSES),
        "legal_basis": st.sampled_from(BASES),
        "output_form": st.sampled_from(["identifiable", "aggregate"]),
        "care_origin": st.sampled_from(
            ["england_public", "england_private_in_nhs_setting", "england_private", "wales"]
        ),
        "identifiers_requested": st.lists(st.sampled_from(IDENTIFIERS), max_size=5),
        "identifiers_approved": st.lists(st.sampled_from(IDENTIFIERS), max_size=5),
        "controllers_required": st.lists(st.sampled_from(["X26", "RJ1"]), max_size=2),
        "controllers_approved": st.lists(st.sampled_from(["X26", "RJ1"]), max_size=2),
        "controllers_refused": st.sampled_from([[], ["RJ1"], ["X26"]]),
        "dsa": maybe(st.builds(lambda ends: {"ref": "DARS-NIC-00574-V2H1F", "ends_on": ends}, near(day))),
        "requester": st.fixed_dictionaries(
            {
                "role": st.sampled_from(ROLES),
                "accredited_until": maybe(near(day)),
                "care_relationship": maybe(relationships(day)),
            }
        ),
        "cag": maybe(_supports(day)),
        "rec": maybe(_opinions),
        "copi": maybe(_reliances(day)),
        "court_order": maybe(_instruments(day)),
        "direction": maybe(_instruments(day)),
        "public_interest_test": maybe(_tests),
    }
    changed = draw(st.one_of(st.just([]), st.lists(st.sampled_from(sorted(other)), max_size=3, unique=True)))
    return {**lawful, **{name: draw(other[name]) for name in changed}}


def relationships(day: date) -> st.SearchStrategy[Json]:
    """Direct care, begun or ended about that day, to the second."""
    days = st.integers(-2, 2).map(lambda away: day + away * DAY).flatmap(moments)
    return st.fixed_dictionaries({"from": days, "to": maybe(days)})


def _supports(day: date) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "ref": st.sampled_from(["25/CAG/0036", "CAG 7-04(a)/2013", None]),
            "status": st.sampled_from(["supported", "closed"]),
            "next_review_on": maybe(near(day)),
            "ends_on": maybe(near(day)),
            "opt_out_condition": st.sampled_from(["standard", "exempt"]),
            "exemption_letter_on_file": FLAGS,
            "permits_reidentification": FLAGS,
        }
    )


_opinions = st.fixed_dictionaries({"ref": st.sampled_from(["25/LO/0123", None]), "favourable": FLAGS})
_tests = st.fixed_dictionaries(
    {
        "documented": FLAGS,
        "individual": FLAGS,
        "approved_by_role": st.sampled_from(["caldicott_guardian", None]),
    }
)


def _reliances(day: date) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "notice": FLAGS,
            "notice_from": maybe(near(day)),
            "notice_to": maybe(near(day)),
            "purpose": st.sampled_from(["communicable_disease_outbreak", "covid19"]),
        }
    )


def _instruments(day: date) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"ref": st.sampled_from(["KB-2025-000123", None]), "on_file": FLAGS}, optional={"ends_on": near(day)}
    )


@st.composite
def subjects(draw: st.DrawFn, day: date) -> Json:
    """People with nothing against them, changed in some places."""
    fine: Json = {
        "pseudonym_resolves": True,
        "nhs_number_known": True,
        "nhs_number_effort_exemption": False,
        "ndoo_check": {
            "state": "clear",
            "mode": "direct",
            "performed_on": day.isoformat(),
            "cache_refreshed_on": None,
        },
        "type1_events": [],
        "type1_known": True,
        "type2_events": [],
        "consent": {
            "project_id": "PRJ-0001",
            "covers_reidentification": True,
            "given_on": "2018-01-01",
            "withdrawn_on": None,
            "given_by": "patient",
        },
        "programme_opt_out": False,
        "deceased_on": None,
        "age_years": 45,
        "pds_security": "U",
    }
    other = {
        "pseudonym_resolves": FLAGS,
        "nhs_number_known": FLAGS,
        "nhs_number_effort_exemption": FLAGS,
        "ndoo_check": checks(day),
        "type1_events": st.lists(type1_events(day), max_size=4),
        "type1_known": FLAGS,
        "type2_events": st.lists(_type2_events(day), max_size=2),
        "consent": maybe(consents(day)),
        "programme_opt_out": FLAGS,
        "deceased_on": maybe(near(day)),
        "age_years": st.integers(0, 110),
        "pds_security": st.sampled_from(["U", "R"]),
    }
    changed = draw(st.lists(st.sampled_from(sorted(other)), min_size=1, max_size=4, unique=True))
    return {**fine, **{name: draw(other[name]) for name in changed}}


def checks(day: date) -> st.SearchStrategy[Json]:
    """Checks of every state and age."""
    return st.fixed_dictionaries(
        {
            "state": st.sampled_from(["clear", "failed", "none", "opted_out", "pending"]),
            "mode": st.sampled_from(["cache", "direct"]),
            "performed_on": maybe(near(day, -13, -20)),
            "cache_refreshed_on": maybe(near(day, -7, -13, -20)),
        }
    )


TYPE1_CODES = [
    *(("9Nu0.", "readv2"), ("9Nu1.", "readv2"), ("XaZ89", "ctv3")),
    *(("827241000000103", "snomed"), ("827261000000102", "snomed")),
]
TYPE2_CODES = [
    *(("9Nu4.", "readv2"), ("9Nu5.", "readv2"), ("XaaVL", "ctv3"), ("XaaVM", "ctv3")),
    *(("881561000000100", "snomed"), ("881581000000109", "snomed")),
]


def type1_events(day: date) -> st.SearchStrategy[Json]:
    """Set or withdrawn, on one of a few days, so that some share theirs."""
    return st.builds(
        lambda code, on: {"code": code[0], "system": code[1], "on": on},
        st.sampled_from(TYPE1_CODES),
        st.sampled_from([-400, -3, -1, 0]).map(lambda away: (day + away * DAY).isoformat()),
    )


def _type2_events(day: date) -> st.SearchStrategy[Json]:
    retired = st.sampled_from(["2018-09-20", "2018-10-10", "2018-10-11", "2018-10-12"])
    return st.builds(
        lambda code, on: {"code": code[0], "system": code[1], "on": on},
        st.sampled_from(TYPE2_CODES),
        st.one_of(retired, near(day)),
    )


def consents(day: date) -> st.SearchStrategy[Json]:
    """To this project or another, given, withdrawn and scoped in any way."""
    return st.fixed_dictionaries(
        {
            "project_id": st.sampled_from(["PRJ-0001", "PRJ-0002"]),
            "covers_reidentification": FLAGS,
            "given_on": near(day),
            "withdrawn_on": maybe(near(day)),
            "given_by": st.sampled_from(["patient", "consultee"]),
        }
    )


@st.composite
def cases(draw: st.DrawFn) -> Json:
    """A whole case but for what is expected of it."""
    day = draw(DAYS)
    return {"as_of": draw(moments(day)), "request": draw(requests(day)), "subject": draw(subjects(day))}
