"""Every no about standing approvals: its code, and what would make it a yes and who can do that."""

from __future__ import annotations

from keyholder.refusals import Refusal, RefusalKind

STANDING_UNKNOWN = Refusal(
    "STANDING_UNKNOWN",
    RefusalKind.NOT_FOUND,
    "Check the standing approval's id; you may see those of your own projects and domains.",
)
NOT_ON_THE_PROJECT = Refusal(
    "NOT_ON_THE_PROJECT",
    RefusalKind.FORBIDDEN,
    "A researcher who is on the project asks; an operator can add you to it.",
)
NOT_ACCREDITED = Refusal(
    "NOT_ACCREDITED", RefusalKind.FORBIDDEN, "Renew your accreditation; an operator registers the new date."
)
PROJECT_OVER = Refusal(
    "PROJECT_OVER", RefusalKind.FORBIDDEN, "The project has ended; an operator can register its extension."
)
DOMAIN_NOT_COVERED = Refusal(
    "DOMAIN_NOT_COVERED",
    RefusalKind.INVALID,
    "Name registered domains of the project; an operator can add one to it.",
    "/domains",
)
TYPE_NOT_IN_DOMAINS = Refusal(
    "TYPE_NOT_IN_DOMAINS",
    RefusalKind.INVALID,
    "Name identifier types that every domain has; ask for another standing approval for the others.",
    "/identifier_types",
)
UNTIL_OUT_OF_RANGE = Refusal(
    "UNTIL_OUT_OF_RANGE", RefusalKind.INVALID, "Name a last day from today on, at most 366 days ahead.", "/until"
)
ALREADY_ASKED = Refusal(
    "ALREADY_ASKED", RefusalKind.CONFLICT, "There is a standing approval of that id; send yours again."
)
NOT_A_CONTROLLER = Refusal(
    "NOT_A_CONTROLLER",
    RefusalKind.FORBIDDEN,
    "Only people registered for a controller of one of its domains do this; ask one of them.",
)
ROLE_NOT_CONFIRMED = Refusal(
    "ROLE_NOT_CONFIRMED",
    RefusalKind.FORBIDDEN,
    "Your role waits for a second person: another operator, or whoever decides for your organisation, confirms it.",
)
QUORUM_UNATTAINABLE = Refusal(
    "QUORUM_UNATTAINABLE",
    RefusalKind.CONFLICT,
    "Too few people could approve it for one of its domains; an operator can register more for its controllers.",
    "/domains",
)
NOT_HUMAN = Refusal("NOT_HUMAN", RefusalKind.FORBIDDEN, "A human controller of one of the domains has to do this.")
NOT_OPEN = Refusal(
    "STANDING_NOT_OPEN", RefusalKind.CONFLICT, "It no longer waits for approvals; read it to see how it stands."
)
STANDING_OVER = Refusal(
    "STANDING_OVER",
    RefusalKind.CONFLICT,
    "It has ended or expired; somebody on the project can ask for a new one, and controllers decide on the request.",
)
NOT_IN_FORCE = Refusal(
    "STANDING_NOT_IN_FORCE",
    RefusalKind.CONFLICT,
    "Nothing is approved by it before every domain's controllers approved; read it to see whose approval it lacks.",
)
OTHER_TERMS = Refusal(
    "OTHER_TERMS",
    RefusalKind.STALE,
    "These are not its terms: read it, and name its terms hash if you agree to what it says.",
    "/terms_hash",
)
SELF_APPROVAL = Refusal(
    "SELF_APPROVAL", RefusalKind.FORBIDDEN, "Nobody approves what they asked for; other controllers can."
)
ON_THE_PROJECT = Refusal(
    "ON_THE_PROJECT",
    RefusalKind.FORBIDDEN,
    "Whoever is or was on the project doesn't decide about it; other people of the controllers can.",
)
ALREADY_APPROVED = Refusal(
    "ALREADY_DECIDED",
    RefusalKind.CONFLICT,
    "You have approved it for this domain, and nobody counts twice; the next approval is somebody else's.",
)
DOMAIN_NOT_ASKED = Refusal("DOMAIN_NOT_ASKED", RefusalKind.INVALID, "Name one of its domains.", "/domain")
PLACE_TAKEN = Refusal(
    "PLACE_TAKEN",
    RefusalKind.CONFLICT,
    "Others have filled the place you could take for this domain; read it to see whose approval it lacks.",
)
PART_UNCLEAR = Refusal(
    "PART_UNCLEAR",
    RefusalKind.INVALID,
    "Name the factor and the organisation you approve for: you could fill several places.",
    "/organisation",
)
BEYOND_TERMS = Refusal(
    "BEYOND_STANDING_APPROVAL",
    RefusalKind.INVALID,
    "Keep within its project, domains, identifier types, purpose, legal basis and recipient, or have the request "
    "decided by the controllers, who see it already.",
)
WEEK_SPENT = Refusal(
    "STANDING_WEEK_SPENT",
    RefusalKind.CONFLICT,
    "This would be more records than it allows in seven days: ask for fewer, wait, or have the request decided by the "
    "controllers, who see it already.",
)

NOT_ONE_LISTING = Refusal(
    "NOT_ONE_LISTING", RefusalKind.INVALID, "Name the domain or the project whose standing approvals you want."
)

REFUSALS: tuple[Refusal, ...] = tuple(
    value for name, value in sorted(globals().items()) if name.isupper() and isinstance(value, Refusal)
)
