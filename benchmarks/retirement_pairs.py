"""Pairs of messages for `benchmarks/retirement.py`: what is told first, then said, and what that retires.

Templates are of our own writing. Within each class every third one is held out: the rules were not worked on
with its pairs in view. Slots are filled from the pools below by a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

POOLS: Mapping[str, Sequence[str]] = {
    "city": ("Oslo", "Leeds", "Turin", "Ghent", "Porto", "Malmö", "Graz", "Cork", "Lyon", "Brno"),
    "person": ("Ingrid", "Tomas", "Mei", "Omar", "Lucia", "Noah", "Priya", "Elias", "Greta", "Samir"),
    "firm": (
        "Halden Robotics",
        "Brightwater",
        "Nordlys Energy",
        "Quill & Co",
        "Vantage Foods",
        "Kestrel Air",
    ),
    "colour": ("green", "blue", "yellow", "purple", "orange", "red", "turquoise"),
    "tea": ("oolong", "Assam", "rooibos", "sencha", "Darjeeling"),
    "phone": ("020 7946 0812", "555 0143 88", "0331 442 918", "+47 22 85 50 50", "0161 496 0715"),
    "mail": (
        "rune@fjordpost.example",
        "k.lind@postbox.example",
        "desk@hallway.example",
        "mia@orchard.example",
    ),
    "secret": ("QX7-4410-ZP", "hT92kkLm41", "blue-Otter-77", "R0tunda!58", "zz81-Kappa-3", "mN44pq09Xd"),
    "service": ("weather", "billing", "maps", "mail", "storage", "search"),
    "tool": ("Postgres", "Kafka", "Redis", "Jira", "Trello", "Terraform", "Grafana", "MongoDB"),
    "code": ("Atlas", "Borealis", "Cobalt", "Dynamo", "Ember", "Falcon"),
    "car": ("Volvo", "Mazda", "Saab", "Fiat", "Toyota", "Honda"),
    "drug": ("metformin", "lisinopril", "sertraline", "ibuprofen", "levothyroxine"),
    "hobby": ("chess", "climbing", "opera", "sailing", "knitting", "karaoke"),
    "food": ("peanuts", "shrimp", "eggs", "walnuts", "celery", "kiwi"),
    "pet": ("Biscuit", "Mocha", "Pepper", "Ziggy", "Olive", "Rufus"),
    "lang": ("Spanish", "Welsh", "Japanese", "Finnish", "Arabic", "Polish"),
    "n": ("400", "650", "900", "1,200", "2,500", "7,000"),
    "v": ("2", "3", "4", "5", "6"),
    "room": ("B12", "C04", "D31", "A07", "E22"),
}


@dataclass(frozen=True, kw_only=True)
class Template:
    """Messages with slots "{pool[0]}"; `retires` are words of the values that the last message retires."""

    kind: str
    first: tuple[str, ...]
    then: str
    retires: tuple[str, ...] = ()
    held_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A filled template."""

    kind: str
    first: tuple[str, ...]
    then: str
    retires: tuple[str, ...]
    held_out: bool


def _made(kind: str, rows: Sequence[tuple[str, ...]], *, every: int = 3) -> list[Template]:
    """Templates of a class from rows: what is told first (parts at "||"), what is said then, what retires."""
    return [
        Template(
            kind=kind,
            first=tuple(row[0].split(" || ")),
            then=row[1],
            retires=row[2:],
            held_out=every > 0 and number % every == every - 1,
        )
        for number, row in enumerate(rows)
    ]


_UPDATES = (
    ("I live in {city[0]}.", "I moved to {city[1]} last week.", "{city[0]}"),
    ("My manager is {person[0]}.", "My new manager is {person[1]}.", "{person[0]}"),
    ("My favourite colour is {colour[0]}.", "My favourite colour is {colour[1]} now.", "{colour[0]}"),
    ("I work at {firm[0]}.", "I started a new job at {firm[1]} this week.", "{firm[0]}"),
    ("My phone number is {phone[0]}.", "I have a new phone number: {phone[1]}.", "{phone[0]}"),
    (
        "My API key for the {service[0]} service is {secret[0]}.",
        "I rotated my {service[0]} API key. The new one is {secret[1]}.",
        "{secret[0]}",
    ),
    ("The wifi password is {secret[0]}.", "We changed the wifi password to {secret[1]}.", "{secret[0]}"),
    ("{person[0]} lives in {city[0]}.", "{person[0]} has moved to {city[1]}.", "{city[0]}"),
    (
        "My dentist appointment is on 4 May.",
        "My dentist appointment has been moved to 11 May.",
        "05-04",
    ),
    (
        "The limit for uploads is {n[0]} files per day.",
        "The limit for uploads is now {n[1]} files per day.",
        "{n[0]}",
    ),
    ("My e-mail is {mail[0]}.", "My new e-mail address is {mail[1]}.", "{mail[0]}"),
    ("I drive a {car[0]}.", "I sold the {car[0]} and bought a {car[1]}.", "{car[0]}"),
    (
        "I take {drug[0]} every morning.",
        "My doctor switched me from {drug[0]} to {drug[1]}.",
        "{drug[0]}",
    ),
    ("The project deadline is 3 March.", "The project deadline has moved to 17 March.", "3 March"),
    ("My girlfriend is {person[0]}.", "{person[0]} and I broke up last weekend.", "{person[0]}"),
    (
        "Project {code[0]} uses {tool[0]}.",
        "Project {code[0]} switched from {tool[0]} to {tool[1]}.",
        "{tool[0]}",
    ),
    ("The meeting room is {room[0]}.", "The meeting room changed to {room[1]}.", "{room[0]}"),
    ("I am 41 years old.", "I turned 42 today.", "41"),
    ("{person[0]} works at {firm[0]}.", "{person[0]} now works at {firm[1]}.", "{firm[0]}"),
    ("My boss is {person[0]}.", "{person[1]} replaced {person[0]} as my boss.", "{person[0]}"),
    ("My shoe size is 43.", "My shoe size is 44 these days.", "43"),
)
_ENDS = (
    ("I am a vegetarian.", "I'm no longer vegetarian.", "vegetarian"),
    ("I work at {firm[0]}.", "I no longer work at {firm[0]}.", "{firm[0]}"),
    ("I own a {car[0]}.", "I don't own the {car[0]} any more.", "{car[0]}"),
    ("I like {hobby[0]}.", "I don't like {hobby[0]} anymore.", "{hobby[0]}"),
    ("I have a cat named {pet[0]}.", "{pet[0]} died last month.", "{pet[0]}"),
    ("I live in {city[0]}.", "I don't live in {city[0]} anymore.", "{city[0]}"),
    ("{person[0]} works at {firm[0]}.", "{person[0]} no longer works at {firm[0]}.", "{firm[0]}"),
    ("I am allergic to {food[0]}.", "It turns out I'm not allergic to {food[0]} after all.", "{food[0]}"),
    ("Project {code[0]} uses {tool[0]}.", "Project {code[0]} no longer uses {tool[0]}.", "{tool[0]}"),
    ("I take {drug[0]} every morning.", "I stopped taking {drug[0]}.", "{drug[0]}"),
    ("I don't eat meat.", "I eat meat again.", "meat"),
    ("{person[0]} lives in {city[0]}.", "{person[0]} no longer lives in {city[0]}.", "{city[0]}"),
    ("My favourite colour is {colour[0]}.", "{colour[0]} is no longer my favourite colour.", "{colour[0]}"),
    ("I work at {firm[0]}.", "I quit my job at {firm[0]}.", "{firm[0]}"),
    ("{person[0]} is my manager.", "{person[0]} is no longer my manager.", "{person[0]}"),
)
_WORDS = (
    (
        "Project {code[0]} uses {tool[0]}.",
        "Project {code[0]} will use {tool[1]} instead of {tool[0]}.",
        "{tool[0]}",
    ),
    ("The stand-up is at 9:30.", "The stand-up is at 10:15 instead of 9:30.", "9:30"),
    ("Please call me Alex.", "Please call me Sascha instead.", "Alex"),
    (
        "My manager is {person[0]} Berg.",
        "My manager is {person[1]} Dahl, not {person[0]} Berg.",
        "{person[0]}",
    ),
    (
        "My locker code is 4411.",
        "Sorry, my locker code is 4414, not 4411.",
        "4411",
    ),
    (
        "My favourite tea is {tea[0]}.",
        "My favourite tea is {tea[1]} instead of {tea[0]}.",
        "{tea[0]}",
    ),
    ("I like {hobby[0]}.", "Forget that I said I like {hobby[0]}, I was joking.", "{hobby[0]}"),
    ("My sister's name is {person[0]}.", "I meant {person[1]}, not {person[0]}.", "{person[0]}"),
    ("I own a sailboat.", "Ignore what I told you about the sailboat.", "sailboat"),
)
_POLICIES = (
    (
        "Policy v{v[0]}: at most {n[0]} exports per day.",
        "Policy v8 supersedes v{v[0]}: at most {n[1]} exports per day.",
        "{n[0]}",
    ),
    ("Policy v{v[0]}: at most {n[0]} exports per day.", "Ignore v{v[0]}, it was a draft.", "{n[0]}"),
    (
        "Travel policy v{v[0]}: business class is allowed above {n[0]} km.",
        "Travel policy v{v[0]} was withdrawn.",
        "{n[0]}",
    ),
    (
        "Policy v6: limit {n[0]} records per day. || Policy v7 supersedes v6: at most {n[1]} records per "
        "day.",
        "v7 was issued by mistake, revert to v6.",
        "{n[1]}",
    ),
    (
        "Policy v6: limit {n[0]} records per day. || Policy v7 supersedes v6: at most {n[1]} records per "
        "day.",
        "v6 is reinstated, v7 was never approved.",
        "{n[1]}",
    ),
    (
        "Policy v2: limit {n[0]} records per day. || Policy v3 replaces v2: at most {n[1]} records per day.",
        "We roll back to v2 because v3 was only a draft.",
        "{n[1]}",
    ),
    (
        "Policy v1: at most {n[0]} calls per hour. || Policy v2: at most {n[1]} calls per hour.",
        "Policy v3 supersedes all earlier versions: at most 50 calls per hour.",
        "{n[0]}",
        "{n[1]}",
    ),
    ("Policy v{v[0]}: at most {n[0]} exports per day.", "Policy v{v[0]} is no longer in force.", "{n[0]}"),
    ("Policy v{v[0]}: at most {n[0]} exports per day.", "v{v[0]} was revoked yesterday.", "{n[0]}"),
)
_OTHER_SUBJECTS = (
    ("I live in {city[0]}.", "My sister {person[0]} moved to {city[1]}."),
    ("I live in {city[0]}.", "My parents moved to {city[1]} last week."),
    ("My manager is {person[0]}.", "{person[2]}'s new manager is {person[1]}."),
    ("{person[0]} lives in {city[0]}.", "{person[1]} has moved to {city[1]}."),
    (
        "My API key for the {service[0]} service is {secret[0]}.",
        "My API key for the {service[1]} service is {secret[1]}.",
    ),
    (
        "My API key for the {service[0]} service is {secret[0]}.",
        "I rotated my {service[1]} API key. The new one is {secret[1]}.",
    ),
    ("The wifi password is {secret[0]}.", "We changed the alarm code to 4711."),
    (
        "Travel policy v2: at most {n[0]} km per trip.",
        "Security policy v3 supersedes v2: at most {n[1]} logins per day.",
    ),
    (
        "The limit for uploads is {n[0]} files per day.",
        "The limit for downloads is now {n[1]} files per day.",
    ),
    ("Project {code[0]} uses {tool[0]}.", "Project {code[1]} switched from {tool[0]} to {tool[1]}."),
    ("My phone number is {phone[0]}.", "My mother's new phone number is {phone[1]}."),
    ("My favourite colour is {colour[0]}.", "My favourite tea is now {tea[0]}."),
    ("My favourite colour is {colour[0]}.", "{person[0]}'s favourite colour is now {colour[1]}."),
    ("I work at {firm[0]}.", "My husband no longer works at {firm[0]}."),
    ("I like {hobby[0]}.", "My brother no longer likes {hobby[0]}."),
    ("I own a {car[0]}.", "My neighbour sold his {car[0]}."),
    ("My dentist appointment is on 4 May.", "My haircut appointment has been moved to 11 May."),
    ("I am a vegetarian.", "{person[0]} is no longer vegetarian."),
    ("I have a cat named {pet[0]}.", "My neighbour's cat {pet[1]} died."),
    ("My work e-mail is {mail[0]}.", "My private e-mail is now {mail[1]}."),
    ("I am allergic to {food[0]}.", "{person[0]} isn't allergic to {food[0]} any more."),
    ("{person[0]} works at {firm[0]}.", "{person[1]} no longer works at {firm[0]}."),
    ("The meeting room is {room[0]}.", "The waiting room changed to {room[1]}."),
    ("My boss is {person[0]}.", "My wife has a new boss, {person[1]}."),
)
_BOTH_TRUE = (
    ("I have a cat named {pet[0]}.", "I also have a dog named {pet[1]}."),
    ("My sister's phone number is {phone[0]}.", "My brother's phone number is {phone[1]}."),
    ("I speak {lang[0]}.", "I speak {lang[1]} too."),
    ("I own a {car[0]}.", "I bought a {car[1]} as a second car."),
    ("My daughter is {person[0]}.", "My other daughter is {person[1]}."),
    ("I like {hobby[0]}.", "I really like {hobby[1]}."),
    ("I am allergic to {food[0]}.", "I'm also allergic to {food[1]}."),
    ("I work at {firm[0]}.", "At weekends I also work at {firm[1]}."),
    (
        "My API key for the {service[0]} service is {secret[0]}.",
        "My password for {service[0]} is {secret[1]}.",
    ),
    ("I live in {city[0]}.", "I also have a flat in {city[1]}."),
    ("Project {code[0]} uses {tool[0]}.", "Project {code[0]} uses {tool[1]} as well."),
    ("My brother {person[0]} lives in {city[0]}.", "My other brother {person[1]} lives in {city[1]}."),
    ("I take {drug[0]} every morning.", "I also take {drug[1]} in the evening."),
    ("My doctor is {person[0]} Lund.", "My eye doctor is {person[1]} Moe."),
    ("My boss is {person[0]}.", "My boss's boss is {person[1]}."),
    ("I live in {city[0]}.", "I work in {city[1]}."),
    ("{person[0]} lives in {city[0]}.", "{person[0]} comes from {city[1]}."),
    ("My phone number is {phone[0]}.", "My second phone number is {phone[1]}."),
)
_NEGATIONS = (
    ("I live in {city[0]}.", "I did not move to {city[1]}."),
    ("My manager is {person[0]}.", "{person[1]} is not my manager."),
    ("I work at {firm[0]}.", "I never worked at {firm[1]}."),
    ("I like {hobby[0]}.", "It's not true that I no longer like {hobby[0]}."),
    ("The wifi password is {secret[0]}.", "The wifi password has not been changed to {secret[1]}."),
    ("Policy v2: at most {n[0]} exports per day.", "Policy v3 does not supersede v2, it covers imports."),
    ("I own a {car[0]}.", "I have not sold the {car[0]}."),
    ("I am a vegetarian.", "I have not stopped being vegetarian."),
    ("I take {drug[0]} every morning.", "I haven't stopped taking {drug[0]}."),
    ("My favourite colour is {colour[0]}.", "{colour[1]} is not my favourite colour."),
    ("Policy v2: at most {n[0]} exports per day.", "Policy v2 was never withdrawn."),
    ("I work at {firm[0]}.", "I haven't quit my job at {firm[0]}."),
)
_UNREAL = (
    ("I live in {city[0]}.", "If I moved to {city[1]}, I would need a car."),
    ("I live in {city[0]}.", "I might move to {city[1]} next year."),
    ("I live in {city[0]}.", "Imagine I moved to {city[1]}."),
    ("I live in {city[0]}.", "I'm thinking of moving to {city[1]}."),
    ("My manager is {person[0]}.", "Maybe {person[1]} will be my new manager."),
    ("I work at {firm[0]}.", "I would love to work at {firm[1]}."),
    ("I work at {firm[0]}.", "If I no longer worked at {firm[0]}, I would travel."),
    ("I am a vegetarian.", "If I were no longer vegetarian, I would eat steak."),
    ("Policy v2: at most {n[0]} exports per day.", "If v3 supersedes v2, we need a review."),
    ("The wifi password is {secret[0]}.", "We should change the wifi password to {secret[1]}."),
    ("I own a {car[0]}.", "I may sell the {car[0]} some day."),
    ("I own a {car[0]}.", "I want to sell the {car[0]}."),
    ("Project {code[0]} uses {tool[0]}.", "Project {code[0]} could use {tool[1]} instead of {tool[0]}."),
    ("I take {drug[0]} every morning.", "I wish I could stop taking {drug[0]}."),
    ("My favourite colour is {colour[0]}.", "Suppose my favourite colour is {colour[1]} now."),
)
_QUESTIONS = (
    ("I live in {city[0]}.", "Should I move to {city[1]}?"),
    ("My manager is {person[0]}.", "Is {person[1]} my new manager?"),
    ("I work at {firm[0]}.", "Do I still work at {firm[0]} or no longer?"),
    ("The wifi password is {secret[0]}.", "Did we change the wifi password to {secret[1]}?"),
    ("Policy v2: at most {n[0]} exports per day.", "Is it true that v3 supersedes v2?"),
    ("I own a {car[0]}.", "Have I sold the {car[0]}?"),
    ("My favourite colour is {colour[0]}.", "My favourite colour is {colour[1]} now, right?"),
    ("I take {drug[0]} every morning.", "What happens if I stopped taking {drug[0]}?"),
    ("Policy v2: at most {n[0]} exports per day.", "Was v2 a draft?"),
)
_QUOTES = (
    ("I live in {city[0]}.", '{person[0]} wrote: "I moved to {city[1]}."'),
    ("I don't eat meat.", 'My sister said "I eat meat again."'),
    ("I work at {firm[0]}.", 'In the film the hero says: "I no longer work at {firm[0]}."'),
    ("My phone number is {phone[0]}.", '{person[0]} texted me: "My new phone number is {phone[1]}."'),
    ("Policy v2: at most {n[0]} exports per day.", "The intern claimed that v2 was a draft."),
    ("I like {hobby[0]}.", 'My friend told me "I don\'t like {hobby[0]} any more."'),
    ("I live in {city[0]}.", "> I moved to {city[1]} last week.\n\nWhat should I reply to that?"),
    ("My manager is {person[0]}.", "{person[1]} told me that her new manager is {person[2]}."),
    ("I own a {car[0]}.", '"I sold the {car[0]}" is the first line of the song.'),
)
_OTHER_TIMES = (
    ("I live in {city[0]}.", "I used to live in {city[1]}."),
    ("I live in {city[0]}.", "When I was a child we lived in {city[1]}."),
    ("I live in {city[0]}.", "In 2009 I moved to {city[1]}."),
    ("I work at {firm[0]}.", "Before that I worked at {firm[1]}."),
    ("I work at {firm[0]}.", "My first job was at {firm[1]}."),
    ("My manager is {person[0]}.", "My previous manager was {person[1]}."),
    ("I live in {city[0]}.", "Next year I will move to {city[1]}."),
    ("My manager is {person[0]}.", "Next month {person[1]} will become my manager."),
    ("My phone number is {phone[0]}.", "My old phone number was {phone[1]}."),
    ("I own a {car[0]}.", "My first car was a {car[1]}."),
    ("{person[0]} lives in {city[0]}.", "{person[0]} lived in {city[1]} before."),
    ("My favourite colour is {colour[0]}.", "As a child my favourite colour was {colour[1]}."),
)

# Written after the rules had been worked on with those above; worked on with after a first measurement.
_SECOND_CHANGES = (
    ("I'm based in {city[0]}.", "We relocated to {city[1]} in February.", "{city[0]}"),
    ("My landlord is called {person[0]}.", "{person[1]} is my landlord now.", "{person[0]}"),
    ("Our office door code is 4410.", "They reset the office door code to 9921.", "4410"),
    ("We use Slack at work.", "We've moved from Slack to Teams.", "Slack"),
    ("My flight is on 3 June.", "The airline moved my flight to 5 June.", "06-03"),
    ("My daughter {person[0]} is 6.", "{person[0]} turned 7 on Sunday.", "6"),
    ("I've got a {car[0]}.", "My {car[0]} was stolen last night.", "{car[0]}"),
    ("I'm on {drug[0]}.", "The doctor took me off {drug[0]}.", "{drug[0]}"),
    ("My boss is {person[0]}.", "{person[0]} left, so she's not my boss any more.", "{person[0]}"),
    ("I'm lactose intolerant.", "Turns out I'm not lactose intolerant.", "lactose"),
    ("I love {hobby[0]}.", "I've gone off {hobby[0]}.", "{hobby[0]}"),
    ("My seat number is 14C.", "Correction: my seat number is 15C.", "14C"),
    ("The launch is on 12 June.", "Scratch that, the launch is on 19 June.", "06-12"),
    ("Policy v4 allows {n[0]} exports per day.", "Please disregard v4.", "{n[0]}"),
    (
        "Policy v4: at most {n[0]} exports per day. || Policy v5 supersedes v4: at most {n[1]} exports "
        "per day.",
        "v5 never took effect; v4 stands.",
        "{n[1]}",
    ),
    ("I have an appointment with the vet on 2 April.", "The vet's appointment was cancelled.", "vet"),
)
_SECOND_LOOK_ALIKES = (
    ("I live in {city[0]}.", "I'm in {city[1]} this week for a conference."),
    ("I live in {city[0]}.", "Flying to {city[1]} tomorrow!"),
    ("My manager is {person[0]}.", "I had lunch with my old manager {person[1]}."),
    ("I work at {firm[0]}.", "I had an interview at {firm[1]}."),
    ("I work at {firm[0]}.", "{firm[1]} offered me a job but I turned it down."),
    ("I drive a {car[0]}.", "I rented a {car[1]} for the weekend."),
    ("I'm a vegetarian.", "I cooked a steak for my dad."),
    ("I like {hobby[0]}.", "I didn't like {hobby[1]} at all."),
    ("My favourite colour is {colour[0]}.", "The new sofa is {colour[1]}."),
    ("I take {drug[0]} every morning.", "My father stopped taking {drug[0]}."),
    ("The wifi password is {secret[0]}.", "The wifi password at my parents' house is {secret[1]}."),
    ("{person[0]} lives in {city[0]}.", "{person[0]} is visiting {city[1]} next week."),
    ("Project {code[0]} uses {tool[0]}.", "Project {code[0]} was compared with {tool[1]}."),
    ("My phone number is {phone[0]}.", "The plumber's number is {phone[1]}."),
    ("Policy v2: at most {n[0]} exports per day.", "Version 3 of the app replaces version 2 of the app."),
    ("My dog is called {pet[0]}.", "We met a dog called {pet[1]} in the park."),
    ("My doctor is {person[0]} Lund.", "Doctor {person[1]} Moe examined my son."),
    ("I'm 41 years old.", "My brother turned 44 today."),
    ("My boss is {person[0]}.", "{person[1]} said my boss should be replaced."),
    ("The meeting room is {room[0]}.", "For today only we meet in {room[1]}."),
)

TEMPLATES: tuple[Template, ...] = (
    *_made("update", _UPDATES),
    *_made("end", _ENDS),
    *_made("explicit words", _WORDS),
    *_made("policy versions", _POLICIES),
    *_made("another subject", _OTHER_SUBJECTS),
    *_made("both true", _BOTH_TRUE),
    *_made("negation", _NEGATIONS),
    *_made("hypothetical", _UNREAL),
    *_made("question", _QUESTIONS),
    *_made("quoted", _QUOTES),
    *_made("another time", _OTHER_TIMES),
    *_made("change, second set", _SECOND_CHANGES, every=0),
    *_made("look-alike, second set", _SECOND_LOOK_ALIKES, every=0),
)


def pairs(count: int, seed: int = 5) -> Iterator[Pair]:
    """So many different pairs; every template is used before one is used again."""
    dice = random.Random(seed)
    order = list(TEMPLATES)
    dice.shuffle(order)
    seen: set[Pair] = set()
    for template in cycle(order):
        slots = {name: dice.sample(pool, min(3, len(pool))) for name, pool in POOLS.items()}
        pair = Pair(
            kind=template.kind,
            first=tuple(text.format(**slots) for text in template.first),
            then=_sentence(template.then.format(**slots)),
            retires=tuple(text.format(**slots) for text in template.retires),
            held_out=template.held_out,
        )
        if pair not in seen:  # a template without slots makes one pair only
            seen.add(pair)
            yield pair
        if len(seen) == count:
            return


def _sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
