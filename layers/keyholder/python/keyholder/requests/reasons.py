"""Every no of the life cycle: its code, and what would make it a yes and who can do that."""

from __future__ import annotations

from keyholder.refusals import Refusal, RefusalKind

UNKNOWN_REQUEST = Refusal("UNKNOWN_REQUEST", RefusalKind.NOT_FOUND, "Check the request's id; you may not see others.")
PERSON_DISABLED = Refusal(
    "PERSON_DISABLED", RefusalKind.FORBIDDEN, "Your registration is suspended; ask an operator about it."
)
NOT_REGISTERED = Refusal("PERSON_UNKNOWN", RefusalKind.FORBIDDEN, "Ask an operator to register you.")
NOT_A_RESEARCHER = Refusal(
    "NOT_A_RESEARCHER", RefusalKind.FORBIDDEN, "Only registered researchers ask; ask an operator about your roles."
)
NOT_THE_REQUESTER = Refusal(
    "NOT_THE_REQUESTER", RefusalKind.FORBIDDEN, "Only the person who made the request can do this; ask them to."
)
NOT_A_CONTROLLER = Refusal(
    "NOT_A_CONTROLLER",
    RefusalKind.FORBIDDEN,
    "Only who is registered for an organisation that controls the domain, as a controller, Caldicott Guardian or data "
    "protection officer, decides for it; ask one of them.",
)
ROLE_NOT_CONFIRMED = Refusal(
    "ROLE_NOT_CONFIRMED",
    RefusalKind.FORBIDDEN,
    "Your role waits for a second person: another operator confirms it, or who decides for your organisation already.",
)
AUTHOR_STILL_HERE = Refusal(
    "AUTHOR_STILL_HERE",
    RefusalKind.CONFLICT,
    "Ask its author to go on: somebody else on the project can only once they are suspended, no researcher, off the "
    "project or not accredited.",
)
DELEGATOR_BARRED = Refusal(
    "DELEGATOR_BARRED",
    RefusalKind.FORBIDDEN,
    "Whoever you stand in for may not decide on this request, so nobody does in their place: others of the domain's "
    "organisations can.",
)
COUNTS_ONCE = Refusal(
    "COUNTS_ONCE",
    RefusalKind.CONFLICT,
    "You, whom you stand in for, or who stands in for you has a vote on this revision already, and you count as one: "
    "somebody else approves.",
)
NOT_FOR_PEOPLE = Refusal(
    "NOT_FOR_PEOPLE", RefusalKind.FORBIDDEN, "Keyholder does this itself when it is due; nobody can ask for it."
)
NOT_FOR_THIS_FUNCTION = Refusal(
    "NOT_FOR_THIS_FUNCTION", RefusalKind.FORBIDDEN, "Another function of Keyholder does this; report it to an operator."
)
NOT_HUMAN = Refusal(
    "NOT_HUMAN", RefusalKind.FORBIDDEN, "A human must sign in and decide; machines and integrations can't."
)
WRONG_STATE = Refusal(
    "WRONG_STATE", RefusalKind.CONFLICT, "Read the request again: what can be done now is in its allowed commands."
)
NOT_ON_THE_PROJECT = Refusal(
    "NOT_ON_THE_PROJECT",
    RefusalKind.FORBIDDEN,
    "Ask an operator to check the project and your membership of it.",
    "/project",
)
PROJECT_OVER = Refusal(
    "PROJECT_OVER", RefusalKind.FORBIDDEN, "The project has ended; an operator can register its extension.", "/project"
)
PROJECT_FIXED = Refusal(
    "PROJECT_FIXED", RefusalKind.INVALID, "A request stays with its project; make a new one for another.", "/project"
)
NOT_ACCREDITED = Refusal(
    "NOT_ACCREDITED",
    RefusalKind.FORBIDDEN,
    "Renew your accreditation and ask an operator to register it.",
    "/accredited_until",
)
CAPACITY_NOT_HELD = Refusal(
    "CAPACITY_NOT_HELD",
    RefusalKind.FORBIDDEN,
    "Name a capacity you are registered with, or ask an operator to register it.",
    "/capacity",
)
DOMAIN_NOT_COVERED = Refusal(
    "DOMAIN_NOT_COVERED",
    RefusalKind.FORBIDDEN,
    "Ask only from domains the project is registered for; an operator can add one.",
    "/domains",
)
TYPE_NOT_IN_DOMAIN = Refusal(
    "TYPE_NOT_IN_DOMAIN",
    RefusalKind.INVALID,
    "Ask only for identifier types that every domain of the request has.",
    "/wanted",
)
NO_FILE_DECLARED = Refusal(
    "NO_FILE_DECLARED", RefusalKind.CONFLICT, "Save the draft with a `file` that declares it; then upload it.", "/file"
)
FILE_NOT_AWAITED = Refusal(
    "FILE_NOT_AWAITED",
    RefusalKind.CONFLICT,
    "It was handed in. Read how it stands; save the draft anew to declare another file.",
    "/file",
)
FILE_NOT_UPLOADED = Refusal(
    "FILE_NOT_UPLOADED", RefusalKind.CONFLICT, "Upload the declared file first, to the address you are given.", "/file"
)
FILE_NOT_READ = Refusal(
    "FILE_NOT_READ",
    RefusalKind.CONFLICT,
    "The declared file was not read, or was refused: upload it, hand it in, and wait; or declare another.",
    "/file",
)
FILE_READ_AMISS = Refusal(
    "FILE_READ_AMISS", RefusalKind.CONFLICT, "The file was not read as it was declared; report it to an operator."
)
DESTROY_BY_PAST = Refusal(
    "DESTROY_BY_PAST",
    RefusalKind.INVALID,
    "Name a future day by which the identifiers will be destroyed.",
    "/destroy_by",
)
POLICY_NOT_ASKED = Refusal(
    "POLICY_NOT_ASKED", RefusalKind.CONFLICT, "The policy could not be asked; try again, or tell an operator."
)
POLICY_ADVICE = "The policy named this rule; its page says what evidence or purpose would change that."
QUORUM_UNATTAINABLE = Refusal(
    "QUORUM_UNATTAINABLE",
    RefusalKind.CONFLICT,
    "Too few people could approve this; ask an operator to register more of those asked for who are off the project.",
    "/domains",
)
OTHER_CONTENT = Refusal(
    "OTHER_CONTENT",
    RefusalKind.STALE,
    "The content is not the one you name: read the request again, and name its content hash if you still agree.",
    "/content_hash",
)
SELF_APPROVAL = Refusal(
    "SELF_APPROVAL", RefusalKind.FORBIDDEN, "Nobody decides their own request; other controllers of the domain can."
)
ON_THE_PROJECT = Refusal(
    "ON_THE_PROJECT",
    RefusalKind.FORBIDDEN,
    "Whoever is or was on the project doesn't decide its requests; other controllers of the domain can.",
)
CONFLICT_NOT_DECLARED = Refusal(
    "CONFLICT_NOT_DECLARED",
    RefusalKind.FORBIDDEN,
    "Declare that you have no conflict of interest in this revision, read it, then decide; or step aside.",
)
ALREADY_DECLARED = Refusal(
    "ALREADY_DECLARED", RefusalKind.CONFLICT, "You have declared so for this revision; its confidential parts are open."
)
RECUSED = Refusal(
    "RECUSED", RefusalKind.FORBIDDEN, "You stepped aside from this request; other controllers of the domain decide."
)
VOTE_SETTLED = Refusal(
    "VOTE_SETTLED",
    RefusalKind.CONFLICT,
    "A domain has decided with your vote; any one controller can still revoke the request once it is approved.",
)
ALREADY_CLAIMED = Refusal("ALREADY_CLAIMED", RefusalKind.CONFLICT, "You look after it already; hand it back when done.")
NOT_CLAIMED = Refusal("NOT_CLAIMED", RefusalKind.CONFLICT, "You don't look after it for that domain; claim it first.")
NOT_AN_ADVISER = Refusal(
    "NOT_AN_ADVISER", RefusalKind.FORBIDDEN, "Only somebody whose advice was asked gives it; those who decide can ask."
)
CONVERSATION_FULL = Refusal(
    "CONVERSATION_FULL", RefusalKind.CONFLICT, "So much was said that no more fits; decide, or talk another way."
)
MESSAGE_UNKNOWN = Refusal(
    "MESSAGE_UNKNOWN",
    RefusalKind.INVALID,
    "Name a message of this request by the hash of its text, one that your readers may see; or name none.",
    "/about",
)
NUDGED_LATELY = Refusal(
    "NUDGED_LATELY", RefusalKind.CONFLICT, "They were reminded within the last days; wait a while before the next time."
)
ADVISER_UNKNOWN = Refusal(
    "ADVISER_UNKNOWN", RefusalKind.INVALID, "Name a registered person; an operator can register them.", "/person"
)
ADVISER_BARRED = Refusal(
    "ADVISER_BARRED",
    RefusalKind.INVALID,
    "Ask a person, other than yourself, who is not suspended, not the requester, never was on the project, and has not "
    "stepped aside.",
    "/person",
)
ADVISER_ELSEWHERE = Refusal(
    "ADVISER_ELSEWHERE",
    RefusalKind.INVALID,
    "Ask somebody registered with an organisation that controls a domain of the request; an operator can register one.",
    "/person",
)
ADVISERS_TOO_MANY = Refusal(
    "ADVISERS_TOO_MANY", RefusalKind.CONFLICT, "Ten people's advice was asked; ask one of them again, or decide."
)
ADVICE_AWAITED = Refusal(
    "ADVICE_AWAITED", RefusalKind.CONFLICT, "This person has a question of the request left to answer; wait for that."
)
QUESTION_UNKNOWN = Refusal(
    "QUESTION_UNKNOWN",
    RefusalKind.CONFLICT,
    "Name a question that was put to you and that you have not answered, by the hash of its text.",
    "/question",
)
DOMAIN_NOT_ASKED = Refusal(
    "DOMAIN_NOT_ASKED", RefusalKind.INVALID, "Name a domain of this request, as the request lists them.", "/domain"
)
ALREADY_DECIDED = Refusal(
    "ALREADY_DECIDED", RefusalKind.CONFLICT, "You have decided on this revision; the next decision is somebody else's."
)
DOMAIN_DECIDED = Refusal(
    "DOMAIN_DECIDED", RefusalKind.CONFLICT, "The domain has decided; read the request to see how and by whom."
)
ORGANISATION_UNCLEAR = Refusal(
    "ORGANISATION_UNCLEAR",
    RefusalKind.INVALID,
    "Name the organisation you decide for: one that controls the domain and that you are registered with.",
    "/organisation",
)
FACTOR_UNCLEAR = Refusal(
    "FACTOR_UNCLEAR",
    RefusalKind.INVALID,
    "You could fill several places and can fill one: name the factor you approve as.",
    "/factor",
)
FACTOR_NOT_HELD = Refusal(
    "FACTOR_NOT_HELD",
    RefusalKind.FORBIDDEN,
    "Name a factor whose role you hold for an organisation that controls the domain; an operator registers roles.",
    "/factor",
)
FACTOR_NOT_NEEDED = Refusal(
    "FACTOR_NOT_NEEDED",
    RefusalKind.FORBIDDEN,
    "The domain doesn't ask for your role's approval; you can reject or revoke, and its controllers approve.",
)
UNTIL_OUT_OF_RANGE = Refusal(
    "UNTIL_OUT_OF_RANGE", RefusalKind.INVALID, "Name a future moment within the window that was asked for.", "/until"
)
TYPES_NOT_ASKED = Refusal(
    "TYPES_NOT_ASKED",
    RefusalKind.INVALID,
    "Approve at least one identifier type that was asked for and that earlier approvals left; else reject.",
    "/identifier_types",
)
TEXTS_NOT_OPEN = Refusal(
    "TEXTS_NOT_OPEN",
    RefusalKind.FORBIDDEN,
    "Declare that you have no conflict of interest in this revision; what changed in it opens to you then.",
)
RECORDS_NOT_OPEN = Refusal(
    "RECORDS_NOT_OPEN",
    RefusalKind.FORBIDDEN,
    "Records are for the requester, and for who decides for their domain once they have declared no conflict.",
)
REVISION_UNKNOWN = Refusal(
    "REVISION_UNKNOWN", RefusalKind.NOT_FOUND, "Name two revisions that were submitted; 'revisions' lists them."
)
ROW_UNKNOWN = Refusal(
    "ROW_UNKNOWN",
    RefusalKind.INVALID,
    "Name row ids of your domain's records in this request; 'records' lists them.",
    "/records",
)
RECORDS_NOT_LEFT = Refusal(
    "RECORDS_NOT_LEFT",
    RefusalKind.INVALID,
    "Approve at least one record of the domain that the approvals before yours left; to approve none, reject.",
    "/records",
)
CONDITION_PARAMETER = Refusal(
    "CONDITION_PARAMETER",
    RefusalKind.INVALID,
    "Give each condition the one parameter its kind takes, as the list of conditions says, and no other.",
    "/conditions",
)
CONDITION_OUT_OF_RANGE = Refusal(
    "CONDITION_OUT_OF_RANGE",
    RefusalKind.INVALID,
    "Ask for a day before the one the request names, or a number within the bounds of the list of conditions.",
    "/conditions",
)
CONDITION_TWICE = Refusal("CONDITION_TWICE", RefusalKind.INVALID, "Ask for each kind of condition once.", "/conditions")
OTHER_CONDITIONS = Refusal(
    "OTHER_CONDITIONS",
    RefusalKind.STALE,
    "These are not the conditions that are offered: read the request again, and name their hash if you accept them.",
    "/conditions_hash",
)
CONDITIONS_LATE = Refusal(
    "CONDITIONS_LATE",
    RefusalKind.CONFLICT,
    "The time to accept the conditions is over; make a new request for what is still needed.",
)
CONDITIONS_NOT_ACCEPTED = Refusal(
    "CONDITIONS_NOT_ACCEPTED",
    RefusalKind.FORBIDDEN,
    "The requester has not accepted what the approvals ask for; only they can, before it is released.",
)
QUESTION_MISSING = Refusal(
    "QUESTION_MISSING", RefusalKind.INVALID, "Say what you want to know: send at least one question.", "/questions"
)
NO_VOTE_TO_WITHDRAW = Refusal(
    "NO_VOTE_TO_WITHDRAW",
    RefusalKind.CONFLICT,
    "You have no approval of this revision to take back; to stop it now, reject it or return it.",
)
WINDOW_OVER = Refusal(
    "WINDOW_OVER", RefusalKind.CONFLICT, "The time to release is over; make a new request for what is still needed."
)
NO_RETRIEVALS_LEFT = Refusal(
    "NO_RETRIEVALS_LEFT", RefusalKind.CONFLICT, "It was released as often as approved; make a new request."
)
RELEASE_RUNNING = Refusal(
    "RELEASE_RUNNING", RefusalKind.CONFLICT, "A release of this request is running; wait until it has ended."
)
DELIVERY_DIFFERS = Refusal(
    "DELIVERY_DIFFERS",
    RefusalKind.INVALID,
    "Ask for the delivery that was approved, as the request has it.",
    "/delivery",
)
BEING_DECIDED = Refusal(
    "BEING_DECIDED",
    RefusalKind.CONFLICT,
    "A controller has decided on this request; wait for the others, who decide on it too.",
)
APPROVALS_LOST = Refusal(
    "APPROVALS_LOST", RefusalKind.FORBIDDEN, "The approvals no longer suffice; make a new request for new ones."
)
APPROVER_SUSPENDED = Refusal(
    "APPROVER_SUSPENDED",
    RefusalKind.FORBIDDEN,
    "Somebody who approved is suspended, and too few others did: an operator can say why; else make a new request.",
)
APPROVER_ON_PROJECT = Refusal(
    "APPROVER_ON_PROJECT",
    RefusalKind.FORBIDDEN,
    "Somebody who approved has joined the project, and too few others did: make a new request for others to approve.",
)
APPROVER_WITHOUT_ROLE = Refusal(
    "APPROVER_WITHOUT_ROLE",
    RefusalKind.FORBIDDEN,
    "Somebody who approved no longer holds that role for the domain, and too few others did: make a new request.",
)
RULES_ASK_MORE = Refusal(
    "RULES_ASK_MORE",
    RefusalKind.FORBIDDEN,
    "The domain's rules ask for more people than approved: its controllers changed them; make a new request.",
)
RELEASE_UNKNOWN = Refusal("RELEASE_UNKNOWN", RefusalKind.NOT_FOUND, "Name a release of this request, as it lists them.")
RELEASE_OVER = Refusal("RELEASE_OVER", RefusalKind.CONFLICT, "This release has ended; start another if one is left.")
CHUNK_OUT_OF_ORDER = Refusal(
    "CHUNK_OUT_OF_ORDER", RefusalKind.CONFLICT, "Chunks are written one after the other; begin the release again."
)
RELEASE_INCOMPLETE = Refusal(
    "RELEASE_INCOMPLETE", RefusalKind.CONFLICT, "Chunks are missing; write them, or record that the release failed."
)
NOTHING_TO_COLLECT = Refusal(
    "NOTHING_TO_COLLECT", RefusalKind.CONFLICT, "There is no file to collect: the release has none, or isn't finished."
)
COLLECTED = Refusal(
    "COLLECTED", RefusalKind.CONFLICT, "The file was collected, and can be only once; release again if one is left."
)
COLLECTION_OVER = Refusal(
    "COLLECTION_OVER", RefusalKind.CONFLICT, "The time to collect this file is over; release again if one is left."
)
NOT_ON_CONSENT = Refusal(
    "NOT_ON_CONSENT", RefusalKind.CONFLICT, "This request does not rest on consent, so none of it can fall."
)
CONSENTS_AS_KNOWN = Refusal(
    "CONSENTS_AS_KNOWN", RefusalKind.CONFLICT, "No more people have withdrawn than the request says already."
)
VOLUME_HELD = Refusal(
    "VOLUME_HELD",
    RefusalKind.CONFLICT,
    "A volume limit holds this request: a controller of one of its domains can let it through.",
)
VOLUME_BLOCKED = Refusal(
    "VOLUME_BLOCKED",
    RefusalKind.CONFLICT,
    "This would go above a volume limit that nobody can lift: release later, when less was released before it.",
)
NOTHING_HELD = Refusal(
    "NOTHING_HELD", RefusalKind.CONFLICT, "No volume limit holds this request; it can be released as approved."
)
VOLUME_MISJUDGED = Refusal(
    "VOLUME_MISJUDGED", RefusalKind.CONFLICT, "The limits say otherwise; begin the release again."
)
USED_TOO_MANY = Refusal(
    "USED_TOO_MANY",
    RefusalKind.INVALID,
    "Count the records whose identifiers were used: at most those approved.",
    "/used",
)
USED_AND_FINDING_DIFFER = Refusal(
    "USED_AND_FINDING_DIFFER",
    RefusalKind.INVALID,
    "Say that nothing was used where the count is 0, and what came of it where it is not.",
    "/finding",
)
WAS_RECEIVED = Refusal(
    "WAS_RECEIVED",
    RefusalKind.INVALID,
    "Identifiers were released to you and may have been used: say when they were destroyed.",
    "/destruction",
)
WAS_NOT_RECEIVED = Refusal(
    "WAS_NOT_RECEIVED",
    RefusalKind.INVALID,
    "No result of this request ever left Keyholder: say that it was never received.",
    "/destruction",
)
DESTRUCTION_DAY_MISSING = Refusal(
    "DESTRUCTION_DAY_MISSING", RefusalKind.INVALID, "Say since which day every copy is destroyed.", "/destroyed_on"
)
DESTRUCTION_DAY_IMPOSSIBLE = Refusal(
    "DESTRUCTION_DAY_IMPOSSIBLE",
    RefusalKind.INVALID,
    "Name a day from the first release up to today; report once everything is destroyed.",
    "/destroyed_on",
)
REPORT_OVERDUE = Refusal(
    "REPORT_OVERDUE",
    RefusalKind.CONFLICT,
    "The requester or somebody else of the project has to report first what came of an earlier release, and that it is "
    "destroyed: list the requests of the project, and report on each that has waited too long.",
)
NOT_DUE = Refusal("NOT_DUE", RefusalKind.CONFLICT, "Its time has not run out; look at its due time.")

REFUSALS: tuple[Refusal, ...] = tuple(
    value for name, value in sorted(globals().items()) if name.isupper() and isinstance(value, Refusal)
)


def policy_refusal(reason: str) -> Refusal:
    """The policy's no to the whole request, under the policy's own reason code."""
    return Refusal(reason, RefusalKind.FORBIDDEN, POLICY_ADVICE)
