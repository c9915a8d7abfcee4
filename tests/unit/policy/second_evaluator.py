"""The policy once more, written from the published facts alone: plain data in, plain data out, nothing of Keyholder's.

One long reading of the rules in the order in which they are made, as somebody would write it who had the facts, the
vocabulary and nothing else. Where it and the engine differ, one of them is wrong.
"""

# ruff: noqa: C901, PLR0911 - rules stand one after the other here, as the facts have them

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]

RESEARCH = {"research", "research_recruitment"}
OWN_OPT_OUT = {
    "official_statistics_ons": False,
    "cancer_patient_experience_survey": False,
    "cqc_patient_survey": False,
    "cancer_registration": True,
    "rare_disease_registration": True,
    "population_screening_oversight": True,
    "assuring_transformation": True,
    "invoice_validation_non_contracted": False,
}
"""Facts 1.2: the exclusions listed to patients, and which of them have an opt-out of their own."""

FITS = {
    "explicit_consent": RESEARCH,
    "s251_reg5": RESEARCH | {"planning_commissioning"} | set(OWN_OPT_OUT),
    "s251_reg2": {"research", "planning_commissioning", "cancer_registration"},
    "copi_reg3": {"public_health_protection"},
    "statutory_direction": {"research", "planning_commissioning", "public_health_protection", "legal_requirement"}
    | set(OWN_OPT_OUT),
    "court_order": {"legal_requirement"},
    "overriding_public_interest": {"serious_harm_prevention"},
    "implied_consent_direct_care": {"individual_care", "risk_stratification_case_finding", "research_recruitment"},
}
LAWFUL = {
    "explicit_consent": "PROJECT_CONSENT",
    "s251_reg5": "S251_SUPPORTED",
    "s251_reg2": "S251_SUPPORTED",
    "copi_reg3": "COPI_REG3",
    "statutory_direction": "REQUIRED_BY_LAW",
    "court_order": "COURT_ORDER",
    "overriding_public_interest": "OVERRIDING_PUBLIC_INTEREST",
    "implied_consent_direct_care": "CARE_RELATIONSHIP",
}
LOCATING = {"postcode", "gp_local_patient_number", "local_patient_id"}
SETS = {"9Nu0.", "XaZ89", "827241000000103"}


def evaluate(case: Json) -> Json:
    """What a case of the published form comes to."""
    moment = datetime.fromisoformat(case["as_of"])
    today = moment.astimezone(ZoneInfo("Europe/London")).date()
    request, subject = case["request"], case["subject"]
    basis = request["legal_basis"]
    warnings = []
    if basis in {"s251_reg5", "s251_reg2"} and not _support(request, today):
        review = request["cag"]["next_review_on"]
        if review is not None and _day(review) < today:
            warnings.append("CAG_REVIEW_OVERDUE")
    against = _request(request, today)
    if against:
        pending = against == ["AWAITING_CONTROLLER"]
        decision, outward = ("pending", "PENDING") if pending else ("refuse", "REFUSED")
        return _answer(decision, "request", against, warnings, outward)
    if not subject["pseudonym_resolves"]:
        return _answer("withhold", "subject", ["PSEUDONYM_UNKNOWN"], warnings, "NOT_AVAILABLE")
    if any(_day(event["on"]) > date(2018, 10, 11) for event in subject["type2_events"]):
        warnings.append("TYPE2_CODE_AFTER_RETIREMENT")
    return _person(request, subject, today, moment, warnings)


def _request(request: Json, today: date) -> list[str]:
    purpose, basis = request["purpose"], request["legal_basis"]
    requester = request["requester"]
    if purpose in {"marketing", "insurance", "solely_commercial", "opt_out_targeting"}:
        return ["PURPOSE_PROHIBITED"]
    if basis == "none":
        return ["BASIS_MISSING"]
    if basis == "implied_consent_direct_care" and requester["role"] != "clinician":
        return ["ROLE_NOT_PERMITTED"]
    if purpose not in FITS[basis]:
        return ["BASIS_PURPOSE_MISMATCH"]
    evidence = _evidence(request, basis, today)
    if evidence:
        return evidence
    opinion = request["rec"]
    by_researchers = purpose in RESEARCH and basis != "implied_consent_direct_care"
    if by_researchers and not (opinion and opinion["ref"] and opinion["favourable"]):
        return ["REC_MISSING"]
    lapsed = []
    until = requester["accredited_until"]
    if until is None or today > _day(until):
        lapsed.append("REQUESTER_NOT_ACCREDITED")
    if request["dsa"] is None or today > _day(request["dsa"]["ends_on"]):
        lapsed.append("DSA_EXPIRED")
    if lapsed:
        return lapsed
    if request["controllers_refused"]:
        return ["CONTROLLER_REFUSED"]
    required = request["controllers_required"]
    if not required or any(one not in request["controllers_approved"] for one in required):
        return ["AWAITING_CONTROLLER"]
    return []


def _evidence(request: Json, basis: str, today: date) -> list[str]:
    if basis in {"s251_reg5", "s251_reg2"}:
        return _support(request, today)
    if basis == "copi_reg3":
        return _regulation_3(request["copi"], today)
    if basis in {"court_order", "statutory_direction"}:
        paper = request["court_order" if basis == "court_order" else "direction"]
        if not (paper and paper["on_file"] and paper["ref"]):
            return ["BASIS_EVIDENCE_MISSING"]
        return ["BASIS_EXPIRED"] if paper.get("ends_on") and today > _day(paper["ends_on"]) else []
    if basis == "overriding_public_interest":
        test = request["public_interest_test"]
        done = test and test["documented"] and test["individual"] and test["approved_by_role"] == "caldicott_guardian"
        return [] if done else ["BASIS_EVIDENCE_MISSING"]
    return []


def _support(request: Json, today: date) -> list[str]:
    cag = request["cag"]
    if cag is None or not cag["ref"]:
        return ["BASIS_EVIDENCE_MISSING"]
    found = []
    if cag["status"] == "closed" or (cag["ends_on"] and today > _day(cag["ends_on"])):
        found.append("BASIS_EXPIRED")
    if not cag["permits_reidentification"]:
        found.append("BASIS_SCOPE")
    return found


def _regulation_3(copi: Json | None, today: date) -> list[str]:
    if copi is None:
        return ["BASIS_EVIDENCE_MISSING"]
    if not copi["notice"]:
        return []
    last = _day(copi["notice_to"])
    if copi["purpose"] == "covid19":
        last = min(last or date(2022, 6, 30), date(2022, 6, 30))
    first = _day(copi["notice_from"])
    if first is None or last is None or today < first:
        return ["BASIS_EVIDENCE_MISSING"]
    return ["BASIS_EXPIRED"] if today > last else []


def _person(request: Json, subject: Json, today: date, moment: datetime, warnings: list[str]) -> Json:
    basis, aggregate = request["legal_basis"], request["output_form"] == "aggregate"
    excluded = request["purpose"] in OWN_OPT_OUT
    in_england = request["care_origin"] in {"england_public", "england_private_in_nhs_setting"}
    cag = request["cag"]
    s251 = basis in {"s251_reg5", "s251_reg2"}
    ndoo, exempt = s251 and in_england and not aggregate and not excluded, []
    if ndoo and cag["opt_out_condition"] == "exempt" and cag["exemption_letter_on_file"]:
        ndoo, exempt = False, ["CAG_OPTOUT_EXEMPTION"]
    elif ndoo and not subject["nhs_number_known"] and subject["nhs_number_effort_exemption"]:
        ndoo, exempt = False, ["NHS_NUMBER_EFFORT_EXEMPTION"]
    type1 = request["source_dataset"] == "gp" and (s251 or basis == "statutory_direction") and not aggregate
    withheld, held = [], []
    if basis == "explicit_consent":
        withheld += _consent(subject["consent"], request["project_id"], today)
    if basis == "implied_consent_direct_care" and not _cares(request["requester"]["care_relationship"], moment):
        withheld.append("NO_CARE_RELATIONSHIP")
    if excluded and not aggregate and OWN_OPT_OUT[request["purpose"]] and subject["programme_opt_out"]:
        withheld.append("PROGRAMME_OPT_OUT")
    if type1:
        withheld += _type1(subject, today)
    if ndoo and not subject["nhs_number_known"]:
        withheld.append("NHS_NUMBER_UNAVAILABLE")
    elif ndoo:
        found = _check(subject["ndoo_check"], today)
        (held if found.startswith("NDOO_CHECK") else withheld).append(found) if found else None
    applied = {"ndoo_applied": ndoo, "type1_applied": type1}
    if withheld:
        return _answer("withhold", "subject", withheld, warnings, "NOT_AVAILABLE", **applied)
    if held:
        return _answer("hold", "subject", held, warnings, "PENDING", **applied)
    lawful = [LAWFUL[basis], *exempt]
    if excluded:
        lawful = ["NDOO_EXEMPT_FLOW"]
    if aggregate:
        return _answer("release", "subject", ["NOT_IDENTIFIABLE"], warnings, "RELEASED", **applied)
    return _minimised(request, subject, lawful, warnings, applied)


def _minimised(request: Json, subject: Json, lawful: list[str], warnings: list[str], applied: Json) -> Json:
    asked = list(dict.fromkeys(request["identifiers_requested"]))
    approved = [one for one in asked if one in request["identifiers_approved"]]
    left = [one for one in approved if subject["pds_security"] == "U" or one not in LOCATING]
    less = ["IDENTIFIER_NOT_APPROVED"] * (approved != asked) + ["PDS_RESTRICTED"] * (left != approved)
    if less and not left:
        return _answer("withhold", "subject", less, warnings, "NOT_AVAILABLE", **applied)
    decision, outward = ("release_partial", "RELEASED_PARTIAL") if less else ("release", "RELEASED")
    return _answer(decision, "subject", lawful + less, warnings, outward, identifiers_released=left, **applied)


def _consent(consent: Json | None, project: str, today: date) -> list[str]:
    if consent is None:
        return ["CONSENT_ABSENT"]
    found = []
    if today < _day(consent["given_on"]):
        found.append("CONSENT_NOT_YET_GIVEN")
    if consent["withdrawn_on"] and today >= _day(consent["withdrawn_on"]):
        found.append("CONSENT_WITHDRAWN")
    if consent["project_id"] != project:
        found.append("CONSENT_WRONG_PROJECT")
    if not consent["covers_reidentification"]:
        found.append("CONSENT_SCOPE")
    return found


def _cares(relationship: Json | None, moment: datetime) -> bool:
    if relationship is None or datetime.fromisoformat(relationship["from"]) > moment:
        return False
    return relationship["to"] is None or moment < datetime.fromisoformat(relationship["to"])


def _type1(subject: Json, today: date) -> list[str]:
    if not subject["type1_known"]:
        return ["TYPE1_UNKNOWN"]
    events = [event for event in subject["type1_events"] if event["code"] in SETS or _day(event["on"]) <= today]
    latest = max((event["on"] for event in events), default=None)
    return ["TYPE1_ACTIVE"] if any(event["on"] == latest and event["code"] in SETS for event in events) else []


def _check(check: Json, today: date) -> str | None:
    unanswered = {"none": "NDOO_CHECK_MISSING", "pending": "NDOO_CHECK_PENDING", "failed": "NDOO_CHECK_FAILED"}
    if check["state"] in unanswered:
        return unanswered[check["state"]]
    made = _day(check["performed_on"])
    if made is None or made > today:
        return "NDOO_CHECK_INVALID"
    age, cap = (today - made).days, 20
    if check["mode"] == "cache":
        cap, refreshed = 13, _day(check["cache_refreshed_on"])
        if refreshed is None or refreshed > made:
            return "NDOO_CHECK_INVALID"
        if (made - refreshed).days > 7:
            return "NDOO_CHECK_STALE"
    if age > cap:
        return "NDOO_CHECK_STALE"
    return "NDOO_OPTED_OUT" if check["state"] == "opted_out" else None


def _day(text: str | None) -> Any:
    return None if text is None else date.fromisoformat(text)


def _answer(decision: str, scope: str, reasons: list[str], warnings: list[str], outward: str, **more: Any) -> Json:
    return {
        "decision": decision,
        "scope": scope,
        "reasons": reasons,
        "warnings": warnings,
        "ndoo_applied": None,
        "type1_applied": None,
        "identifiers_released": [],
        "outward_code": outward,
        **more,
    }
