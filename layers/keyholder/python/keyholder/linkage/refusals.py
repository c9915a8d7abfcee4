"""Every no about linkage: its code, and what would make it a yes and who can do that."""

from __future__ import annotations

from keyholder.refusals import Refusal, RefusalKind

AGREEMENT_UNKNOWN = Refusal(
    "AGREEMENT_UNKNOWN", RefusalKind.NOT_FOUND, "Check the agreement's id; you may see those of your own domains."
)
NOT_HUMAN = Refusal("NOT_HUMAN", RefusalKind.FORBIDDEN, "A human controller of one of the domains has to do this.")
NOT_A_CONTROLLER = Refusal(
    "NOT_A_CONTROLLER",
    RefusalKind.FORBIDDEN,
    "Only people registered for a controller of one of the two domains do this; ask one of them.",
)
ROLE_NOT_CONFIRMED = Refusal(
    "ROLE_NOT_CONFIRMED",
    RefusalKind.FORBIDDEN,
    "Your role waits for a second person: another operator, or whoever decides for your organisation, confirms it.",
)
DOMAIN_UNKNOWN = Refusal("DOMAIN_UNKNOWN", RefusalKind.INVALID, "Ask an operator which domains there are.")
SAME_DOMAIN = Refusal(
    "SAME_DOMAIN",
    RefusalKind.INVALID,
    "Name two domains. Within one, a provider of its controllers re-keys without an agreement.",
    "/to_domain",
)
TYPE_NOT_IN_DOMAINS = Refusal(
    "TYPE_NOT_IN_DOMAINS",
    RefusalKind.INVALID,
    "Name identifier types that both domains have, and of which neither lacks the NHS number.",
    "/identifier_types",
)
CARRIER_CONTROLS_NEITHER = Refusal(
    "CARRIER_CONTROLS_NEITHER",
    RefusalKind.INVALID,
    "Name an organisation that controls one of the two domains: nobody else translates.",
    "/carried_out_by",
)
UNTIL_OUT_OF_RANGE = Refusal(
    "UNTIL_OUT_OF_RANGE", RefusalKind.INVALID, "Name a last day from today on, at most 366 days ahead.", "/until"
)
BASIS_NOT_FOR_LINKAGE = Refusal(
    "BASIS_NOT_FOR_LINKAGE",
    RefusalKind.INVALID,
    "Name another basis: direct care and the overriding public interest are about one patient, never about a column.",
    "/legal_basis",
)
CONSENT_NEEDS_PROJECT = Refusal(
    "CONSENT_NEEDS_PROJECT",
    RefusalKind.INVALID,
    "Name the project: people consent to one, and whether they did is asked of each of them.",
    "/project",
)
PROJECT_UNKNOWN = Refusal(
    "PROJECT_UNKNOWN",
    RefusalKind.INVALID,
    "Name a registered project that is registered for both domains; an operator can add one.",
    "/project",
)
PROJECT_OVER = Refusal(
    "PROJECT_OVER", RefusalKind.FORBIDDEN, "The project has ended; an operator can register its extension."
)
ALREADY_PROPOSED = Refusal(
    "ALREADY_PROPOSED", RefusalKind.CONFLICT, "There is an agreement of that id; send the proposal again."
)
NOT_PROPOSED = Refusal(
    "AGREEMENT_NOT_OPEN", RefusalKind.CONFLICT, "It no longer waits for approvals; read it to see how it stands."
)
AGREEMENT_OVER = Refusal(
    "AGREEMENT_OVER", RefusalKind.CONFLICT, "It has ended or expired; propose a new one if it is still needed."
)
OTHER_TERMS = Refusal(
    "OTHER_TERMS",
    RefusalKind.STALE,
    "These are not its terms: read the agreement, and name its terms hash if you agree to what it says.",
    "/terms_hash",
)
OWN_PROPOSAL = Refusal(
    "OWN_PROPOSAL", RefusalKind.FORBIDDEN, "Nobody approves what they proposed; other people of the controllers can."
)
ON_THE_PROJECT = Refusal(
    "ON_THE_PROJECT",
    RefusalKind.FORBIDDEN,
    "Whoever is or was on the project doesn't approve its linkage; other people of the controllers can.",
)
ALREADY_APPROVED = Refusal(
    "ALREADY_APPROVED",
    RefusalKind.CONFLICT,
    "You have approved it for one domain, and nobody counts twice; the next approval is somebody else's.",
)
NOT_ONE_OF_ITS_DOMAINS = Refusal(
    "DOMAIN_NOT_ASKED", RefusalKind.INVALID, "Name one of the two domains of the agreement.", "/domain"
)
PLACE_TAKEN = Refusal(
    "PLACE_TAKEN",
    RefusalKind.CONFLICT,
    "Others have filled the place you could take for this domain; read the agreement to see whose approval it lacks.",
)
PART_UNCLEAR = Refusal(
    "PART_UNCLEAR",
    RefusalKind.INVALID,
    "Name the factor and the organisation you approve for: you could fill several places.",
    "/organisation",
)
NOT_THE_CARRIER = Refusal(
    "NOT_THE_CARRIER",
    RefusalKind.FORBIDDEN,
    "Only a registered provider of the organisation that the agreement names translates; ask one of them.",
)
APPROVER_TRANSLATES = Refusal(
    "APPROVER_TRANSLATES",
    RefusalKind.FORBIDDEN,
    "Whoever approved an agreement doesn't translate under it; another provider of the organisation can.",
)
NOT_IN_FORCE = Refusal(
    "AGREEMENT_NOT_IN_FORCE",
    RefusalKind.CONFLICT,
    "Nothing is translated before the controllers of both domains approved; read it to see whose approval it lacks.",
)
APPROVALS_LOST = Refusal(
    "APPROVALS_LOST",
    RefusalKind.FORBIDDEN,
    "The approvals no longer suffice: an approver left, or a domain asks for more. Propose a new agreement.",
)
TOKENS_SPENT = Refusal(
    "TOKENS_SPENT",
    RefusalKind.CONFLICT,
    "This would be more pseudonyms than were agreed: send fewer, or propose another agreement.",
)
TYPE_NOT_AGREED = Refusal(
    "TYPE_NOT_AGREED",
    RefusalKind.INVALID,
    "Send only the identifier types of the agreement, and beside them each row's NHS number pseudonym.",
    "/rows",
)
ROW_IDS_NOT_UNIQUE = Refusal(
    "ROW_IDS_NOT_UNIQUE", RefusalKind.INVALID, "Give every row an id of its own within the job.", "/rows"
)
TRANSLATION_UNKNOWN = Refusal(
    "TRANSLATION_UNKNOWN", RefusalKind.CONFLICT, "It was not authorised, or its outcome is known; begin another."
)
COUNTS_DIFFER = Refusal(
    "COUNTS_DIFFER", RefusalKind.CONFLICT, "The outcome is not about what was authorised; report it to an operator."
)
CHOICES_CHANGED = Refusal(
    "CHOICES_CHANGED",
    RefusalKind.CONFLICT,
    "It was answered, and would be answered differently now. Ask again with a fresh Idempotency-Key.",
)

REFUSALS: tuple[Refusal, ...] = tuple(
    value for name, value in sorted(globals().items()) if name.isupper() and isinstance(value, Refusal)
)
