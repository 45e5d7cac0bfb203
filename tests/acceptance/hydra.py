"""The Hydra (A1): one cipher under nine names, eight policies, three volumes, and an e-mail nobody reads."""

from __future__ import annotations

NAMES = (
    "Legacy-Phi", "LΦ-88", "Phoenix", "Aether", "K-12", "Styx", "River-9", "Charon", "Tartarus-v3",
)  # fmt: skip
QUESTION = "May Project Cerberus use Tartarus-v3 at full capacity?"
STATES = {
    "v1": "superseded", "v2": "superseded", "v3": "invalidated", "v4": "superseded",
    "v5": "invalidated", "v6": "active", "v7": "invalidated",
}  # fmt: skip
REASONS = {"v3": "revoked", "v5": "draft", "v7": "rogue"}

# Days of an ordinary quarter, told at length: enough words to bury two sentences in.
_TEAMS = ("storage", "network", "billing", "front desk", "archive", "field support", "data quality")
_TOLD = (
    "The {} team met twice this week and went through the open tickets one by one",
    "Nobody in the {} team has reported an outage since the beginning of the month",
    "We moved the {} review to the afternoon, because the large room was taken by the auditors",
    "The {} people would like a second screen, and I have told them to ask again in the next quarter",
    "For {} the holiday plan is settled, and the two of them who swapped weeks have confirmed it",
    "The handover in {} went well, thanks to the checklist that was written in the spring",
    "There is a new coffee machine near {}, and I ask everybody to clean it after use",
    "The training for {} takes place as announced; please bring your own notebook and something to write",
    "In {} the old cabinets were emptied, and what was in them has gone to the basement",
    "The visitors were shown around {} and asked good questions about how we hand work over at night",
    "Please send the hours of {} to the office before the end of the month, as always",
    "The lights above {} flicker now and then, and the electrician has been told about them",
)
_SECTIONS = (
    "Greetings and thanks", "Rooms and furniture", "Limits and what follows from them", "Holidays and cover",
    "Volumes as signed off", "Training", "Visitors", "Kitchen and cleaning", "Hours and forms", "Closing",
)  # fmt: skip
_BURIED = {
    3: "The 400,000 records/day limit of policy v6 is the only enforceable constraint.",
    5: "Project Cerberus has a volume of 4.85 million records per day.",
}


def email() -> str:
    """A circular of about 2,200 words; sections 3 and 5 each hold one sentence that matters."""
    sections = []
    for number, title in enumerate(_SECTIONS, 1):
        said = [
            _TOLD[(number * 5 + place) % len(_TOLD)].format(_TEAMS[(number + place) % len(_TEAMS)]) + "."
            for place in range(12)
        ]
        if number in _BURIED:
            said.insert(6, _BURIED[number])
        sections.append(f"{number}. {title}\n{' '.join(said)}")
    return "Dear all,\n\n" + "\n\n".join(sections) + "\n\nKind regards"


MESSAGES = (
    "Project Cerberus will use Legacy-Phi (codename LΦ-88) for encryption.",
    'LΦ-88 is the old "Phoenix" cipher of 2019.',
    "Phoenix was renamed Aether in 2021.",
    "Policy v1: Styx may be used up to 500 TiB/day.",
    "Aether is identical to today's K-12.",
    "The first estimate of the volume of Project Cerberus is 4.2 million records per day.",
    "K-12 is now called Styx.",
    "Styx is the official name of what legal calls River-9.",
    "Policy v2: River-9 is limited to 10,000 objects/s.",
    "River-9 is the marketing name for Charon.",
    "Policy v3: Charon is forbidden. Update, three days later, in a footnote: policy v3 was revoked.",
    "Charon is the production name for Tartarus-v3.",
    "Policy v4: Tartarus-v3 is unlimited, EU regions only.",
    "The peak volume of Project Cerberus is now 4.7 million records per day.",
    "Policy v5 supersedes all earlier policies: the limit is 2.5 GB/day.",
    "Ignore policy v5, it was a draft. The new limit is 400,000 records/day. This is policy v6.",
    "Tartarus-v3 is the only supported name after 1 March 2025.",
    "Policy v7: global ban above 1 GiB/day. It supersedes v1 to v6.",
    "Policy v8: v7 was issued by a rogue employee, revert to v6.",
    email(),
    "The final sign-off: the volume of Project Cerberus is 4,850,000 records per day.",
)

# The same story as somebody else would tell it.
OTHER_WORDS = (
    "Project Cerberus will use Legacy-Phi, codename LΦ-88, for its data at rest.",
    "LΦ-88 is just the old 'Phoenix' cipher from 2019.",
    "The Phoenix cipher was renamed to Aether in 2021.",
    "Policy v1: encryption with Styx is allowed up to 500 TiB/day.",
    "Aether is identical to what we call K-12 today.",
    "First estimate for Project Cerberus: 4.2 million records/day.",
    "K-12 is now called Styx.",
    "Styx is the official name of what legal calls River-9.",
    "Policy v2 limits River-9 to 10,000 objects/s.",
    "River-9 is the marketing name for Charon.",
    "Policy v3 forbids Charon entirely. Footnote, added three days later: v3 has been revoked.",
    "Charon is the production name for Tartarus-v3.",
    "Policy v4 allows unlimited use of Tartarus-v3, but in EU regions only.",
    "Project Cerberus now peaks at 4.7 million records/day.",
    "Policy v5 supersedes all previous policies: at most 2.5 GB/day.",
    "Ignore v5, it was a draft. New limit 400,000 records/day. This is v6.",
    "Tartarus-v3 is the only supported name after 1 March 2025.",
    "Policy v7: a global ban above 1 GiB/day; it supersedes v1–v6.",
    "Policy v8: v7 was issued by a rogue employee, so we revert to v6.",
    email(),
    "Final sign-off for Project Cerberus: 4,850,000 records/day.",
)
