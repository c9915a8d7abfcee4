"""What the rules rest on: published texts, by the names the tables and the settings give them."""

from __future__ import annotations

POLICY_CH5 = "NHS Digital, National data opt-out operational policy guidance, ch.5"
POLICY_CH6 = "NHS Digital, National data opt-out operational policy guidance, ch.6"
MANAGE_YOUR_CHOICE = "NHS Digital, Manage your choice, national data opt-out service privacy notice"
RESEARCHERS = "NHS Digital, national data opt-out guidance for researchers"
COPI_2002 = "SI 2002/1438 Health Service (Control of Patient Information) Regulations 2002"
GP_PAGE = "NHS Digital, General Practice Data for Planning and Research, GP practice page"
RESEARCH_HRA = "HRA, National Data Opt Out, supplementary information for research organisations (Feb 2023)"
CAG_CONDITIONS = "HRA, CAG standard conditions of support, registers and annual review"
OFFENCE = "Data Protection Act 2018 s.171"
LICENCE = "NHS Digital, Check for national data opt-outs service licence v1.2"
CHECK_SERVICE = "NHS Digital, Check for National Data Opt-outs service page"
POLICY_CH8 = "NHS Digital, National data opt-out operational policy guidance, ch.8 (secondary)"
CALDICOTT = "National Data Guardian, Caldicott Principles (2020)"
CONSENTED = "NHS England, GP Data for Consented Research transparency notice"
OPENSAFELY = "OpenSAFELY documentation, Type One Opt Outs"
DERIVED = "(derived)"
GPES = "NHS England, GPES Data for Pandemic Planning and Research: General Practice Transparency Notice"

SOURCES: dict[str, str] = {
    "manage-your-choice": MANAGE_YOUR_CHOICE,
    "operational-policy-ch5": POLICY_CH5,
    "operational-policy-ch6": POLICY_CH6,
    "operational-policy-ch7": "NHS Digital, National data opt-out operational policy guidance, ch.7",
    "researchers-guidance": RESEARCHERS,
    "gp-practice-page": GP_PAGE,
    "gpes-transparency-notice": GPES,
    "type-1-in-opensafely": OPENSAFELY,
}
"""Published texts that a setting may rest on, by the code it names them with: the ledger holds no free text."""

LONDON = "Discovery Data Service, London GP extract (public SQL), Type 1 and Type 2 data sets"
PRACTICE = "The Good Practice (a London practice), Type 1 opt-outs"
TPP = "NHS Digital, Prevent type 2 opt-out code use in TPP SystmOne (7 March 2019)"
MICROTEST = "NHS Digital, Prevent type 2 opt-out code use in Microtest (7 March 2019)"
DONCASTER = "Doncaster LMC, National data opt-out, questions of practices"
TO_BE_CONFIRMED = "none read; the check digit is valid: to be confirmed on a terminology server"
