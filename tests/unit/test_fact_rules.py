"""What the fact scrubber's rules find in one message, and what they leave out."""

from __future__ import annotations

import time

import pytest

from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.core.tasks.fact_scrubbing.offline import scrub_by_rule
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING, ScrubInput
from tests.unit.fact_play import said

FOUND = [
    # secrets
    ("My API key for the weather service is ABC123.", "user", "api_key_weather_service", "ABC123"),
    ("my stripe api key is sk_live_51Hx9", "user", "api_key_stripe", "sk_live_51Hx9"),
    ("The database password is hunter2.", "user", "password_database", "hunter2"),
    ("Database password: S3cr3t!pw", "user", "password_database", "S3cr3t!pw"),
    ('My wifi password is "correct horse battery".', "user", "password_wifi", "correct horse battery"),
    ("The door code is 4711.", "user", "door_code", "4711"),
    ("My PIN is 9021, keep it safe.", "user", "pin", "9021"),
    ("I changed my mail password to Sunny!77.", "user", "password_mail", "Sunny!77"),
    (
        "The token for the build server has been rotated to `ghp_9aX2`.",
        "user",
        "token_build_server",
        "ghp_9aX2",
    ),
    ("I rotated my keys. The new one is XYZ789.", "user", "key", "XYZ789"),
    (
        "I had to reset my router password, the new one is Nimbus-2024.",
        "user",
        "password_router",
        "Nimbus-2024",
    ),
    # names
    ("Project Cerberus will use Legacy-Phi (codename LΦ-88).", "Legacy-Phi", "also_called", "LΦ-88"),
    ("Project Cerberus will use Legacy-Phi (codename LΦ-88).", "Project Cerberus", "uses", "Legacy-Phi"),
    ('LΦ-88 is the old "Phoenix" cipher of 2019.', "LΦ-88", "also_called", "Phoenix"),
    ("Phoenix was renamed Aether in 2021.", "Phoenix", "also_called", "Aether"),
    ("Aether is identical to today's K-12.", "Aether", "also_called", "K-12"),
    ("Aether is identical to what we call K-12 today.", "Aether", "also_called", "K-12"),
    ("In 2021 Phoenix was renamed Aether.", "Phoenix", "also_called", "Aether"),
    ("Borealis is the same as what is now known as Zeta-4.", "Borealis", "also_called", "Zeta-4"),
    ("K-12 is now called Styx.", "K-12", "also_called", "Styx"),
    ("Styx is the official name of what legal calls River-9.", "Styx", "also_called", "River-9"),
    ("River-9 is the marketing name for Charon.", "River-9", "also_called", "Charon"),
    ("Titan, formerly known as Atlas-2, ships in May.", "Titan", "also_called", "Atlas-2"),
    ("Orion is an alias for Build-7.", "Orion", "also_called", "Build-7"),
    ("The billing service is now called Ledger.", "billing service", "also_called", "Ledger"),
    ("We call the Oslo office Fjord internally.", "Oslo office", "also_called", "Fjord"),
    ("Nimbus has been rebranded as Stratus.", "Nimbus", "also_called", "Stratus"),
    ("Facebook is now known as Meta.", "Facebook", "also_called", "Meta"),
    ("Bluebird is the codename for Project Sparrow.", "Bluebird", "also_called", "Project Sparrow"),
    (
        "API stands for application programming interface.",
        "API",
        "stands_for",
        "application programming interface",
    ),
    ("Ask the Data Protection Office (DPO) first.", "DPO", "stands_for", "Data Protection Office"),
    ("My daughter Lily is allergic to eggs.", "Lily", "allergy", "eggs"),
    ("Can you remember that the door code is 4711?", "user", "door_code", "4711"),
    ('By "done" we mean deployed and monitored.', "done", "means", "deployed and monitored"),
    (
        "Churn is defined as the share of customers who leave in a month.",
        "Churn",
        "means",
        "the share of customers who leave in a month",
    ),
    # policies
    ("Policy v1: Styx may process up to 500 TiB/day.", "v1", "policy", "Styx may process up to 500 TiB/day"),
    ("Policy v2 limits River-9 to 10,000 objects/s.", "v2", "policy", "limits River-9 to 10,000 objects/s"),
    (
        "Our travel policy v3: economy class only under 6 hours.",
        "travel policy v3",
        "policy",
        "economy class only under 6 hours",
    ),
    ("New limit 400,000 records/day. This is v6.", "v6", "policy", "New limit 400,000 records/day"),
    (
        "Employees may not accept gifts from suppliers.",
        "employees",
        "rule",
        "Employees may not accept gifts from suppliers",
    ),
    (
        "Visitors must wear a badge at all times.",
        "visitors",
        "rule",
        "Visitors must wear a badge at all times",
    ),
    (
        "Smoking is strictly forbidden in the lab.",
        "Smoking",
        "rule",
        "Smoking is strictly forbidden in the lab",
    ),
    (
        "Our gratuities policy: no gifts above 50 euros.",
        "gratuities policy",
        "policy",
        "Our gratuities policy: no gifts above 50 euros",
    ),
    ("The Titan algorithm is deprecated, use Olympus instead.", "Titan algorithm", "status", "deprecated"),
    ("The Titan algorithm is deprecated, use Olympus instead.", "Titan algorithm", "replaced_by", "Olympus"),
    ("Jenkins has been replaced by Buildkite.", "Jenkins", "replaced_by", "Buildkite"),
    ("We switched from Jira to Linear.", "user", "uses", "Linear"),
    # quantities
    (
        "First estimate for Cerberus: 4.2 million records/day.",
        "Cerberus",
        "volume_per_day",
        "4.2 million records/day",
    ),
    (
        "The pipeline is expected to carry 4.85 million records per day.",
        "it",
        "volume_per_day",
        "4.85 million records per day",
    ),
    (
        "Kronos handles 300 requests per second on average.",
        "Kronos",
        "volume_per_second",
        "300 requests per second",
    ),
    (
        "Note that the 400,000-record limit of v6 is the only enforceable constraint.",
        "v6",
        "limit",
        "400,000 records",
    ),
    (
        "The rate limit for Kronos is now 100 requests per minute.",
        "Kronos",
        "rate_limit",
        "100 requests per minute",
    ),
    # things
    (
        "When I was a kid we had a golden retriever named Biscuit.",
        "user",
        "childhood_pet",
        "Biscuit (golden retriever)",
    ),
    ("My childhood pet was called Misty.", "user", "childhood_pet", "Misty"),
    ("We just adopted a grey cat called Tom.", "user", "pet", "Tom (grey cat)"),
    ("My parrot's name is Kiwi.", "user", "pet", "Kiwi (parrot)"),
    ("I have a dog named Rex and a cat called Tom.", "user", "pet", "Tom (cat)"),
    ("I bought a 1967 Mustang.", "user", "owns", "1967 Mustang"),
    ("I also own a Porsche 911.", "user", "owns", "Porsche 911"),
    ("I own a Fiat 500, a Volvo P1800 and a Citroën DS.", "user", "owns", "Volvo P1800"),
    ("My car is a Tesla Model 3.", "user", "owns", "Tesla Model 3"),
    ("I inherited an upright piano from my aunt.", "user", "owns", "upright piano"),
    ("My first school was Oakwood Primary.", "user", "first_school", "Oakwood Primary"),
    # people, events, tasks
    ("Bob lives in Paris.", "Bob", "lives_in", "Paris"),
    ("Anna works for Siemens.", "Anna", "employer", "Siemens"),
    ("Maria is a vegetarian.", "Maria", "diet", "vegetarian"),
    ("My dentist appointment is on 3 June.", "user", "dentist_appointment_date", "3 June, 2024-06-03"),
    ("I ran a marathon last Friday.", "user", "event", "I ran a marathon last Friday (2023-12-29)"),
    ("Remind me to call Eva.", "user", "task", "call Eva"),
    ("I need to renew my passport by 1 March.", "user", "task", "renew my passport by 1 March"),
]

NOTHING = [
    "What is my API key?",
    "My password is wrong.",
    "My password is not working.",
    "The password is too short.",
    "I forgot my password.",
    "My API key is expired.",
    "The key is patience.",
    "The key to success is hard work.",
    "The primary key is user_id2.",
    "The new one is great.",
    "The new one is better than the old.",
    "Is the door code 4711?",
    "If my password was hunter2, I'd change it.",
    "The function is called twice.",
    "I was called yesterday about it.",
    "She is called often.",
    "It is called from the main loop.",
    "K-12 is not called Styx.",
    "Is K-12 now called Styx?",
    "The weather is the same as yesterday.",
    "Anna became Director.",
    "What does API stand for?",
    "It means a lot to me.",
    '"Dune" is a great book.',
    "I know what you mean.",
    "You must try this restaurant.",
    "You may be right.",
    "I must say I was surprised.",
    "We must hurry.",
    "They should know better.",
    "May I accept gifts from suppliers?",
    "Honesty is the best policy.",
    "As a rule I sleep late.",
    "Version 5 of the app looks nice.",
    "I installed v3 yesterday's build.",
    "There are 500 people here.",
    "I ran 5 km per day.",
    "It could reach 5 million records per day.",
    "We have 5 records.",
    "The limit is the sky.",
    "I have a question.",
    "I have a hot dog, please.",
    "I want a dog named Rex.",
    "My neighbour has a dog named Rex.",
    "I read a book about a cat named Tom.",
    "I bought a coffee.",
    "I got Covid.",
    "I have Monday off.",
    "I own it.",
    "I own my mistakes.",
    "I don't own a Porsche.",
    "I never owned a Porsche 911.",
    "I'd like to buy a Porsche 911.",
    "I have no idea.",
    "Nobody lives in Paris.",
    "Everyone works for Siemens.",
    "Who lives in Paris?",
    "Remind me what we said.",
    "I need to say thanks.",
    "He is a doctor.",
    "Using Titan is fine.",
    'She said "my password is hunter2" out loud.',
    "> The database password is hunter2",
    "Imagine my password is hunter2.",
]


def _scrub(content: str, day: int = 0, **given: object) -> list[FactDraft]:
    return list(scrub_by_rule(said(content, day, **given)).facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(("content", "subject", "key", "value"), FOUND)
def test_finds(content: str, subject: str, key: str, value: str) -> None:
    found = {(d.subject, d.key, d.value) for d in _scrub(content) if d.bearing in {"asserts", "updates"}}
    assert (subject, key, value) in found


@pytest.mark.parametrize("content", NOTHING)
def test_leaves_out(content: str) -> None:
    assert [d for d in _scrub(content) if d.key != "event"] == []


@pytest.mark.parametrize(
    ("content", "states"),
    [
        ("Ignore v5, it was a draft.", {("v5", "retracts")}),
        ("v5 was only a draft.", {("v5", "retracts")}),
        ("Please disregard policy v2.", {("v2", "retracts")}),
        ("v3 has been revoked.", {("v3", "retracts")}),
        (
            "Policy v3: Charon is forbidden. Footnote: revoked three days later.",
            {("v3", "asserts"), ("v3", "retracts")},
        ),
        ("v7 was issued by a rogue employee, revert to v6.", {("v7", "retracts"), ("v6", "reinstates")}),
        ("Please roll back to v2 of the policy.", {("v2", "reinstates")}),
        ("Policy v4 is reinstated.", {("v4", "reinstates")}),
        (
            "Yesterday our travel policy v3 was revoked. v1 is reinstated.",
            {("travel policy v3", "retracts"), ("travel policy v1", "reinstates")},
        ),
        ("Data retention policy v2 was issued by mistake.", {("data retention policy v2", "retracts")}),
        (
            "Policy v4 supersedes v1-v3: 10 GB per day.",
            {("v4", "asserts"), ("v1", "ends"), ("v2", "ends"), ("v3", "ends")},
        ),
        ("Policy v5 supersedes all earlier policies: 2.5 GB/day.", {("v5", "updates")}),
        ("Policy v2 was superseded by v3.", {("v2", "ends")}),
        ("Policy v7 does not supersede v6.", set()),
    ],
)
def test_states_of_versions(content: str, states: set[tuple[str, str]]) -> None:
    assert {(d.subject, d.bearing) for d in _scrub(content) if d.key == "policy"} == states


def test_an_event_holds_from_its_own_day() -> None:
    (draft,) = _scrub("I met Ingrid last Friday.", 3)
    assert draft.valid_from is not None
    assert f"{draft.valid_from:%Y-%m-%d}" == "2024-01-05"
    (ahead,) = _scrub("We are flying to Rome on 3 May.")
    assert ahead.valid_from is None
    assert ahead.value == "We are flying to Rome on 3 May (2024-05-03)"


def test_a_third_party_speaks_of_himself() -> None:
    found = {
        (d.subject, d.key, d.category)
        for d in _scrub("I live in Oslo. I'm allergic to nuts.", owner=False, speaker="Bob")
    }
    assert found == {("Bob", "lives_in", "entity"), ("Bob", "allergy", "entity")}


def test_an_assistant_teaches_about_the_world_only() -> None:
    text = "I live in Oslo. Your API key is ABC123. My password is hunter2. Titan is deprecated, use Olympus."
    found = _scrub(text, owner=False, role="assistant")
    assert {(d.subject, d.key) for d in found} == {("Titan", "status"), ("Titan", "replaced_by")}


def test_echoes_teach_nothing() -> None:
    assert _scrub("K-12 is now called Styx.", owner=False, role="assistant", echo=True) == []


def test_quotes_stand_literally_in_a_long_message() -> None:
    filler = "The committee met again and talked about the weather in the usual way. " * 40
    text = f"""# Section 3
{filler}
For the avoidance of doubt, the 400,000-record limit of v6 is the only enforceable constraint.

# Section 5
{filler}
The revised pipeline is expected to carry 4.85 million records per day, all regions included."""
    found = _scrub(text)
    assert all(d.quote in text for d in found)
    assert {(d.key, d.value) for d in found} == {
        ("limit", "400,000 records"),
        ("volume_per_day", "4.85 million records per day"),
    }


def test_check_drops_what_is_not_pinned_or_not_theirs_to_say() -> None:
    told = ScrubInput(message=said("K-12 is now called Styx. My name is Ada."))
    good = FactDraft(
        subject="K-12", key="also_called", value="Styx", category="alias", quote="K-12 is now called Styx"
    )
    blank = good.model_copy(update={"value": " "})
    invented = good.model_copy(update={"quote": "K-12 is Styx"})
    profile = FactDraft(subject="user", key="name", value="Ada", category="identity", quote="My name is Ada")
    assert FACT_SCRUBBING.check(told, FactDrafts(facts=(good, blank, invented, profile))).facts == (good,)
    with pytest.raises(ValueError, match="no quote"):
        FACT_SCRUBBING.check(told, FactDrafts(facts=(blank, invented)))


def test_check_keeps_the_assistant_from_speaking_for_the_user() -> None:
    told = ScrubInput(message=said("Your key is ABC123. Titan is old.", owner=False, role="assistant"))
    secret = FactDraft(
        subject="user", key="api_key", value="ABC123", category="secret", quote="Your key is ABC123."
    )
    entity = FactDraft(subject="Titan", key="status", value="old", category="entity", quote="Titan is old.")
    posing = entity.model_copy(update={"subject": "User"})
    assert FACT_SCRUBBING.check(told, FactDrafts(facts=(secret, entity, posing))).facts == (entity,)


def test_the_prompt_takes_its_variables() -> None:
    told = ScrubInput(message=said("hello"), known=("K-12 is also called Styx",))
    assert "K-12 is also called Styx" in FACT_SCRUBBING.prompt().render(FACT_SCRUBBING.variables(told))


@pytest.mark.parametrize(
    "text",
    [
        "my password is " * 7_000,
        "I never " * 12_000,
        "a" * 100_000,
        "A-1 " * 25_000,
        "A" * 900 + ". " + "Aa " * 300 + ". " + "(A " * 300,
        "the " * 230
        + "policy. "
        + "of the v1, " * 90
        + ". "
        + "I own a A, a " * 70
        + ". "
        + "1,000,000," * 90,
        '"' * 50_000,
        "'I " * 30_000,
        "I am allergic to a, b and " * 4_000,
        "I live in Oslo. " * 6_000,
    ],
    ids=range(10),
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.perf_counter()
    scrub_by_rule(said(text))
    assert time.perf_counter() - begun < 5
