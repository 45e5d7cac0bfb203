"""What changes in a life, said as people say it: without subject, ahead of time, put right, taken back."""

from __future__ import annotations

import pytest

from hmlr.records import Fact
from tests.unit.fact_play import active, drafts, held, play


def told(content: str, **given: object) -> set[tuple[str, str]]:
    return held(content, **given)


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        ("sold my flat and moved to Leeds.", "lives_in", "Leeds"),
        ("Moved to Bergen last week.", "lives_in", "Bergen"),
        ("just bought a used honda civic, red", "owns", "used honda civic"),
        ("finally bought a piano", "owns", "piano"),
        ("got a new job at Siemens!", "employer", "Siemens"),
        ("started at Halden Robotics", "employer", "Halden Robotics"),
        ("became a paramedic", "job", "paramedic"),
        ("went vegan in March", "diet", "vegan"),
        ("I'm 41, living in Ghent with my cat", "lives_in", "Ghent"),
        ("We got married in May!", "marital_status", "married"),
        ("hi! im Zofia, but my friends call me Zosia.", "name", "Zofia"),
        ("My favourite tea is oolong, used to be Assam", "favourite_tea", "oolong"),
        ("the new adress is ul. Polna 4/2, 2nd floor", "address", "ul. Polna 4/2, 2nd floor"),
        ("The meeting room changed to B12.", "meeting_room", "B12"),
        ("sold the van, leased a Renault Kangoo instead", "owns", "Renault Kangoo"),
        ("changed the alarm code to 9134", "alarm_code", "9134"),
        ("I teach chemistry at Westvale High", "employer", "Westvale High"),
        ("I'm starting at Lakeside College on 1 October as head of science", "job", "head of science"),
        ("Our landlord is Mr Visser", "landlord", "Mr Visser"),
    ],
)
def test_a_change_without_a_full_sentence_is_understood(content: str, key: str, value: str) -> None:
    assert (key, value) in told(content)


@pytest.mark.parametrize(
    "content",
    [
        "Lost and found",
        "Left hand hurts",
        "Moved to tears by the film",
        "Work in progress",
        "Live in concert tonight",
        "Took the bus.",
        "Started the engine.",
        "Sold out!",
        "Bought by Microsoft",
    ],
)
def test_a_heading_is_no_change(content: str) -> None:
    assert told(content) == set()


@pytest.mark.parametrize(
    ("content", "employer"),
    [
        ("I joined Equinor last week", "Equinor"),
        ("I'm starting at Volvo on 7 January", "Volvo"),
        ("starting 7 March at Halden Robotics as a staff engineer, 28k a month", "Halden Robotics"),
        ("new job as a nurse at Ullevål Hospital", "Ullevål Hospital"),
        ("first week at Spotify done.", "Spotify"),
        ("I accepted an offer from Telenor", "Telenor"),
        ("I have a new position at Bosch", "Bosch"),
    ],
)
def test_a_new_job_is_understood(content: str, employer: str) -> None:
    assert ("employer", employer) in told(content)


@pytest.mark.parametrize(
    "content",
    ["I joined the gym last week", "I joined Reddit last month", "I joined the choir", "We start at noon"],
)
def test_joining_something_else_is_no_job(content: str) -> None:
    assert "employer" not in {key for key, _ in told(content)}


def test_a_job_that_lies_ahead_begins_then() -> None:
    (job,) = [d for d in drafts("I'm starting at Volvo on 7 March.") if d.key == "employer"]
    assert job.valid_from is not None
    assert f"{job.valid_from:%Y-%m-%d}" == "2024-03-07"


@pytest.mark.parametrize(
    ("contents", "key", "values"),
    [
        (["My boss is Karen.", "my new manager is Ingrid"], "boss", []),
        (["My boss is Karen.", "my new manager is Ingrid"], "manager", ["Ingrid"]),
        (["my girlfriend Ada sings", "my wife Ada sings"], "girlfriend", []),
        (["my girlfriend Ada sings", "my wife Ada sings"], "wife", ["Ada"]),
        (["I work at Halden Robotics.", "I work at Halden."], "employer", ["Halden Robotics"]),
        (["I live in New York.", "I live in York."], "lives_in", ["York"]),
        (["I own a boat.", "sold the boat"], "owns", []),
        (["Our landlord is Mr Visser.", "our new landlady is Mrs de Boer"], "landlord", []),
    ],
)
def test_one_gives_way_to_the_other(contents: list[str], key: str, values: list[str]) -> None:
    assert active(play(contents), key) == values


@pytest.mark.parametrize(
    ("contents", "key", "values"),
    [
        (["my manager is Ingrid Solheim", "correction: Ingrid's surname is Solberg, not Solheim"], "manager",
         ["Ingrid Solberg"]),
        (["my wife's name is Anne", "it's spelled Anna, not Anne"], "wife", ["Anna"]),
        (["My favourite colour is green.", "It's teal, not green."], "favourite_colour", ["teal"]),
        (["My shoe size is 43.", "my shoe size isn't 43, it's 44"], "shoe_size", ["44"]),
        (["I live in Leeds.", "I meant Leicester, not Leeds"], "lives_in", ["Leicester"]),
        (["Our landlady is Mrs de Boer.", "it's actually Mrs de Bruin, not de Boer"], "landlady",
         ["Mrs de Bruin"]),
        (["My flight is on 8 May.", "the flight is not 8 May but 9 May"], "flight_date",
         ["9 May, 2024-05-09"]),
        # Which of the two is meant does not show.
        (["I own a red boat.", "I own a red bike.", "it's blue, not red"], "owns", ["red boat", "red bike"]),
        (["I live in Leeds.", "It's cold, not to mention wet"], "lives_in", ["Leeds"]),
        (["My budget limit is 80 euros.", "we'll be 95 people, it's 95, not 80 guests"], "age", []),
    ],
)  # fmt: skip
def test_a_wrong_value_is_put_right(contents: list[str], key: str, values: list[str]) -> None:
    assert active(play(contents), key) == values


def test_what_was_put_right_was_never_true() -> None:
    facts = play(["my wife's name is Anne", "it's spelled Anna, not Anne"])
    assert {(f.value, f.state) for f in facts.values()} == {("Anne", "invalidated"), ("Anna", "active")}


@pytest.mark.parametrize(
    ("contents", "day"),
    [
        (["My dentist appointment is on 6 May at 14:30.", "hmm the dentist moved it: it's 8 May at 9:15 now"],
         "8 May at 9:15, 2024-05-08"),
        (["My driving test is on 6 May.", "they postponed my driving test until 20 May"],
         "20 May, 2024-05-20"),
        (["My dentist appointment is on 6 May.", "the appointment was moved to 7 May"], "7 May, 2024-05-07"),
        (["Our team meeting is on 6 May.", "the meeting got pushed back to 9 May"], "9 May, 2024-05-09"),
        (["I have a vet appointment on 6 May.", "the vet appointment has been rescheduled for 3 June"],
         "3 June, 2024-06-03"),
    ],
)  # fmt: skip
def test_an_appointment_that_moved_has_one_day(contents: list[str], day: str) -> None:
    facts = [f for f in play(contents).values() if f.category == "event" and f.state == "active"]
    assert [f.value for f in facts] == [day]


def test_an_appointment_with_a_clock_time_lies_ahead() -> None:
    assert ("dentist_appointment_date", "2 January at 8:00, 2025-01-02") in told(
        "My dentist appointment is on 2 January at 8:00.", day=1
    )


def _states(facts: dict[str, Fact]) -> dict[str, str]:
    return {f.value: f.state for f in facts.values()}


@pytest.mark.parametrize(
    ("contents", "value"),
    [
        (["I really like opera.", "forget that I said I like opera, I was joking"], "opera"),
        (["I live in Oslo.", "Please forget that I told you I live in Oslo."], "Oslo"),
        (["I'm allergic to cats.", "Ignore that I said I'm allergic to cats. I was kidding."], "cats"),
        (["My favourite colour is green.", "forget that my favourite colour is green"], "green"),
        (["I own a sailboat.", "ignore what I told you about the sailboat"], "sailboat"),
    ],
)
def test_what_is_taken_back_was_never_true(contents: list[str], value: str) -> None:
    assert _states(play(contents))[value] == "invalidated"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    ["Don't forget that I live in Rome.", "Forget my blood type.", "forget it", "I forgot that I live here"],
)
def test_other_forgetting_takes_nothing_back(content: str) -> None:
    assert not [d for d in drafts(content) if d.bearing == "retracts"]


def test_what_is_scratched_in_the_same_breath_is_not_told() -> None:
    assert ("lives_in", "Oslo") not in told("I live in Oslo. Scratch that.")
