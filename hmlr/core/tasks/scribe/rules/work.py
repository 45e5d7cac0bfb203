"""What the speaker does: job, employer, studies, projects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause, Rule
from hmlr.core.tasks.fact_scrubbing.rules.nouns import (
    ADV,
    CAP,
    END,
    JOBS,
    NAME,
    ORGANISATIONS,
    named,
    word_set,
)

_MODIFIERS = (
    r"(?:(?!(?:best|good|great|amazing|bad|worst|better|huge|big|shooting|point|security) )[\w-]+ ){0,3}?"
)
_OF = rf"(?: of (?:the )?{NAME})?"
_JOB = re.compile(
    rf"^I {ADV}(?:(?:am|have been|was) )?{ADV}(?:(?:work(?:ing)? as|became|have become|started as|was "
    rf"promoted to|"
    rf"got promoted to|was hired as|got a job as|employed as) )?"
    rf"(?:(?P<article>an?|the) )?(?P<job>{_MODIFIERS}{JOBS})(?P<of>{_OF})"
    r"(?=$|[,.;(]| (?:and|but|at|in|for|with|who|by|from|based|working|specialising|specializing|since|"
    r"on|now|so|last|this|after|when|too|again|these)\b)",
    re.IGNORECASE,
)
_JOB_VERB = re.compile(r"\b(?:am|work|working|became|become|promoted|hired|job|employed|been|started)\b")
_JOB_IS = re.compile(
    rf"^[Mm]y (?:(?:current|new|day) )?(?:job|profession|occupation)(?: title)? is (?:now )?(?:an? |"
    rf"being an? )?({_MODIFIERS}{JOBS})"
    r"(?=$|[,.;( ])", re.IGNORECASE
)  # fmt: skip
_JOB_ENDED = re.compile(
    rf"^I (?:am (?:no longer|not) (?:working as )?(?:an? |the )|no longer work as an? "
    rf")({_MODIFIERS}{JOBS})(?P<more> any ?(?:more|longer))?\b",
    re.IGNORECASE,
)
_NO_JOB = re.compile(r"\b(?:not|never|like a|love|fan|hate|my|want|wanted|hope)\b", re.IGNORECASE)
_UPDATED = re.compile(r"\b(?:now|became|become|promoted|new|started)\b", re.IGNORECASE)


def job(clause: Clause) -> Iterator[FactDraft]:
    """The speaker's occupation: "I work as a nurse", "I'm a data scientist", "I'm no longer a teacher"."""
    if found := _JOB_ENDED.search(clause.text):
        if " no longer " in clause.text or found["more"]:
            yield from clause.draft("job", found[1], "identity", bearing="ends", reason=clause.quote)
        return
    if _NO_JOB.search(clause.text[:60]):
        if found := _JOB_IS.search(clause.text):
            yield from clause.draft("job", found[1], "identity")
        return
    found = _JOB.search(clause.text)
    if (
        not found
        or not _JOB_VERB.search(found.group())
        or not (found["article"] or found["of"] or "as" in found.group())
    ):
        return
    if re.match(r"I (?:\w+ )?was (?!promoted|hired)", found.group()):
        return  # what one was is not what one is
    bearing: Bearing = "updates" if _UPDATED.search(found.group()) else "asserts"
    yield from clause.draft("job", found["job"] + found["of"], "identity", bearing=bearing)


_ORG = (
    rf"(?:the )?{NAME}|(?:an?|the) (?:[\w-]+ ){{0,4}}?{ORGANISATIONS}|my own (?:[\w-]+ )?(?:company|"
    rf"business|firm|studio)"
)
_EMPLOYER = re.compile(
    rf"^I {ADV}(?:am |have been )?{ADV}(?:(?:work(?:ing)?|employed)(?: as an? (?:[\w-]+ ){{1,4}}?| "
    rf"part-time | full-time | remotely | )?(?:at|for|with|by)"
    rf"|(?:teach|lecture|coach|tutor|consult|volunteer)(?: [\w-]+){{0,4}}? (?:at|for)"
    rf"|(?:have )?(?:just |recently )?(?:started|got|took)(?: working| work| (?:a|my) (?:new )?(?:job|"
    rf"position|role)) (?:at|with|for)"
    rf"|(?:have )?(?:just |recently )?(?P<join>joined)) ({_ORG})(?=$|[,.;(]| )"
)
_JOB_AT = re.compile(
    rf"^I {ADV}(?:am|work as) {ADV}(?:an?|the) {_MODIFIERS}{JOBS}(?: working)? (?:at|for) ({_ORG})(?=$|"
    rf"[,.;(]| )"
)
_IS_EMPLOYER = re.compile(
    rf"^[Mm]y (?:current |new )?(?:employer|company|workplace) is (?:now )?({_ORG}){END}"
)
_AT_NOW = re.compile(rf"^(?:now )?I am (?:now )?(?:at|with) ({NAME})(?: now| these days)?$")
_WORK_ENDED = re.compile(
    rf"^I (?:(?:do not|am not) (?:work|working) (?:at|for|with) (?P<a>{_ORG}) any ?(?:more|longer)"
    rf"|(?:no longer work|am no longer (?:working|employed)?) ?(?:at|for|with|by) (?P<b>{_ORG})"
    rf"|(?:have )?(?:just |recently )?(?:quit|left|lost|resigned from) (?:my (?:job|position|role) "
    rf"(?:at|with) )(?P<c>{_ORG})"
    rf"|(?:was|got) (?:laid off|fired|made redundant) (?:from|by) (?P<d>{_ORG})"
    rf"|(?:have )?(?:just |recently |finally )?(?:quit|left|resigned from) (?P<e>{NAME})(?=$|[,.;(!]|"
    rf" (?:last|"
    rf"this|in|on|yesterday|after|because|and|two|three|a)\b))"
)
_NO_ORGANISATION = word_set("The monday tuesday wednesday thursday friday saturday sunday christmas")


def employer(clause: Clause) -> Iterator[FactDraft]:
    """Whom the speaker works for: "I work at Acme", "I don't work at Acme any more, I'm at Initech now"."""
    if found := _WORK_ENDED.search(clause.text):
        old = next(filter(None, found.group("a", "b", "c", "d", "e")))
        yield from clause.draft("employer", old, "identity", bearing="ends", reason=clause.quote)
        return
    if found := _JOB_AT.search(clause.text):
        if named(re.sub(r"^(?:the|an?) ", "", found[1])):
            yield from clause.draft("employer", found[1], "identity")
    elif found := _EMPLOYER.search(clause.text):
        value = found[2]
        if named(value) or value.lower().startswith(("a ", "an ", "the ", "my ")):
            new = found["join"] or _UPDATED.search(found.group())
            if not found["join"] or _WORK_WORDS.search(clause.text):
                yield from clause.draft(
                    "employer", value, "identity", bearing="updates" if new else "asserts"
                )
    elif found := _IS_EMPLOYER.search(clause.text):
        yield from clause.draft(
            "employer", found[1], "identity", bearing="updates" if "now" in clause.words else "asserts"
        )
    elif (
        (found := _AT_NOW.search(clause.text))
        and "now" in clause.words
        and "work" in clause.earlier + clause.before
    ):
        yield from clause.draft("employer", found[1], "identity", bearing="updates")


# "I joined Spotify" may be a service or a club: it is a job when something says so.
_WORK_WORDS = re.compile(r"\bas (?:an? |the |their )|\bteam\b|\bengineer|\bnew job\b|\bstaff\b|\bcompany\b")

_STUDIES = re.compile(
    rf"^I {ADV}(?:am )?{ADV}(?:study|studying|majoring in|doing (?:a|my) (?:phd|master's|masters|"
    rf"bachelor's|degree) in) "
    rf"(?P<what>(?!(?:for|at|in|hard|with|abroad|the|my|this|that|how)\b)[A-Za-z][\w&' -]{{2,40}}?)(?= "
    rf"at | in |$|[,.;])(?: at (?:the )?(?P<where>{NAME}))?",
    re.IGNORECASE,
)
_STUDIES_AT = re.compile(
    rf"^I {ADV}(?:am (?:a (?:\w+ )?student|studying)|study|go to (?:school|university|college)) at (?:the "
    rf")?({NAME}){END}"
)


def studies(clause: Clause) -> Iterator[FactDraft]:
    """What the speaker studies and where."""
    if found := _STUDIES.search(clause.text):
        yield from clause.draft("studies", found["what"], "identity")
        if found["where"] and re.match(CAP, found["where"]):
            yield from clause.draft("studies_at", found["where"], "identity")
    elif found := _STUDIES_AT.search(clause.text):
        yield from clause.draft("studies_at", found[1], "identity")


_THING = r"(?:an?|my|our|the|two|three) (?:[\w'’&+/.-]+ ){0,7}?[\w'’&+/.-]+"
_PROJECT_NOUN = (
    r"(?:app|application|website|site|book|novel|thesis|dissertation|paper|game|library|tool|platform|"
    r"startup|company|"
    r"product|system|service|engine|compiler|bot|chatbot|robot|plugin|extension|dashboard|database|api|"
    r"framework|"
    r"project|course|album|film|movie|documentary|podcast|boat|house|cabin|shed|treehouse|telescope|"
    r"guitar|model|"
    r"tracker|planner|portfolio|blog|newsletter|curriculum|screenplay|memoir|simulation|prototype|software)"
)
_WORKING_ON = re.compile(
    rf"^(?:I|[Ww]e) (?:am|are) {ADV}working on ({_THING}|{NAME})(?=$|[,.;(]| (?:for|with|that|which|at|and|"
    rf"to|in|using|about|since|called|named)\b)"
)
_BUILDING = re.compile(
    rf"^(?:I|[Ww]e) (?:am|are) {ADV}(?:building|developing|writing|designing|creating|making|launching|"
    rf"restoring|renovating) "
    rf"((?:an?|my|our|the) (?:[\w'’&+/.-]+ ){{0,6}}?{_PROJECT_NOUN})(?: (?:called|named) ({NAME}))?\b"
)
_MY_PROJECT = re.compile(
    r"^[Mm]y (?:(?:current|latest|new|side|main|next|big|pet|research|school) ){1,2}project is (?:called |"
    r"named |to )?([^,;]{3,100})$"
)
_VAGUE = re.compile(
    r"^(?:an?|the|my|this|that) (?:\w+ )?project(?=$| [-–—]|,)|"
    r"^(?:the|my|this|that|a|an) (?:it|this|that|same|issue|problem|bug|thing|things|following|other|next|"
    r"answer|question|exercise|example)\b",
    re.IGNORECASE,
)


def project(clause: Clause) -> Iterator[FactDraft]:
    """What the speaker is making: "I'm working on a thesis about bees", "we're building an app"."""
    if found := _WORKING_ON.search(clause.text):
        rest = re.match(r"[^,;]{0,60}", clause.text[found.end() :])
        value = found[1] + (rest.group() if rest else "")
        if not _VAGUE.match(value) and named(re.sub(r"^(?:an?|my|our|the) ", "", value)):
            yield from clause.draft("project", value, "project")
    elif found := _BUILDING.search(clause.text):
        value = found.group()[found.start(1) - found.start() :]
        rest = re.match(r" (?:about|for|on|that|to|in|with|using)\b[^,;]{0,60}", clause.text[found.end() :])
        yield from clause.draft("project", value + (rest.group() if rest else ""), "project")
    elif found := _MY_PROJECT.search(clause.text):
        yield from clause.draft("project", found[1], "project")


RULES: tuple[Rule, ...] = (
    Rule.of(
        "am work working became become started promoted hired employed job profession occupation been longer",
        job,
    ),
    Rule.of(
        "teach lecture coach tutor consult volunteer work working employed started joined employer company "
        "workplace at quit left lost fired laid",
        employer,
    ),
    Rule.of("study studying majoring degree student university college school phd", studies),
    Rule.of(
        "working building developing writing designing creating making launching restoring renovating "
        "project",
        project,
    ),
)
