"""D6, the page in a real browser: the walk, the keyboard, hostile text, two users at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from hmlr import HMLRClient, Message
from hmlr.records import IssuedToken
from hmlr.settings import Settings
from tests.server.browsing import PHONE, Watched, chromium, watch, watched
from tests.server.serving import Served, run, server

pytestmark = pytest.mark.timeout(90)  # a browser starts, and many clicks are made

VIEWS = ("Chat", "Profile", "Facts", "Topics", "Dossiers", "Lattice", "Gardening", "Forget")
SAID = {
    "walks": ("I live in Oslo.", "I am strictly vegetarian.", "My dog is called Rex."),
    "osprey": (
        "The project Osprey has a budget of 40000 euros.",
        "The deadline of Osprey is 3 March 2027.",
    ),
    "tea": ("My favourite tea is Earl Grey.", "I now work as a teacher at Fana school."),
}
HOSTILE = (
    "<img src=x onerror=\"window.hit=1;fetch('http://192.0.2.1/a')\">",
    "<script>window.hit=1</script>",
    "![a picture](http://192.0.2.1/b.png) [a link](javascript:window.hit=1)",
    "${window.hit=1} `${window.hit=1}` {{ window.hit=1 }} :onclick=window.hit=1",
    "</script><svg onload=window.hit=1>",
)
MANY = [f"My friend Anna{number} lives in Town{number}." for number in range(70)]
SESSION = '"><img src=x onerror=window.hit=1>'


USERS = ("ada", "bob", "eve", "tom", "una", "zoe", "kim", None)


@dataclass(frozen=True, kw_only=True)
class House:
    """The server, and a token for each user; None is the administrator."""

    served: Served
    tokens: dict[str | None, IssuedToken]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    db = tmp_path_factory.mktemp("page") / "memory.db"
    tokens = asyncio.run(_settle(db))
    with server(db, HMLR_SERVER_PAGE="true") as up:
        yield House(served=up, tokens=tokens)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


async def _settle(db: Path) -> dict[str | None, IssuedToken]:
    """Tokens for all, and what two users have said before."""
    async with HMLRClient(db, "ada", model="offline", settings=Settings.load(embedder="none")) as ada:
        await _remember(ada, SAID)
        async with ada.as_user("eve") as eve:
            await _remember(eve, {SESSION: HOSTILE, "labels": [f"My name is {each}." for each in HOSTILE]})
        async with ada.as_user("max") as many:
            await _remember(many, {"long": MANY})
        return {user: await ada.access.issue(user_id=user) for user in USERS}


async def _remember(hmlr: HMLRClient, sessions: Mapping[str, Sequence[str]]) -> None:
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    for session, texts in sessions.items():
        at += timedelta(days=7)
        times = [at + timedelta(minutes=number) for number in range(len(texts))]
        said = [Message(content=text, occurred_at=time) for text, time in zip(texts, times, strict=True)]
        await hmlr.remember(said, session_id=session)
    await hmlr.flush(30)


def test_a_walk_through_the_page(house: House, browser: Browser) -> None:
    with watched(browser, house.served) as mine:
        mine.page.goto(house.served.url)
        mine.picture("sign-in")
        mine.sign_in(house.tokens["ada"].secret)
        mine.say("Where do I live?")
        answer = mine.page.locator(".exchange").last
        expect(answer).to_contain_text("Oslo")
        expect(answer.locator(".hit").first).to_contain_text("2026-03-08")
        mine.picture("chat")
        answer.get_by_role("button", name="Source of").first.click()
        dialog = mine.dialog("Source")
        expect(dialog).to_contain_text("I live in Oslo.")
        expect(dialog).to_contain_text("I am strictly vegetarian.")  # what was said around it
        mine.picture("source")
        mine.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        _correct_a_fact(mine)
        _forget_a_turn(mine)
        _garden(mine)
        for view in VIEWS:
            mine.go(view)
            mine.picture(f"view-{view.lower()}")


def _correct_a_fact(mine: Watched) -> None:
    page = mine.page
    mine.go("Facts")
    page.get_by_label("Search facts").fill("lives")
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Correct: You · lives in, Oslo").click()
    correct = mine.dialog("Correct this fact")
    expect(correct).to_contain_text("invalidated")
    mine.picture("correct")
    correct.get_by_label("The right value").fill("Bergen")
    correct.get_by_role("button", name="Correct").click()
    expect(page.get_by_role("heading", name="lives in: Bergen")).to_be_visible()
    page.get_by_role("button", name="History: You · lives in, Bergen").click()
    expect(mine.dialog("History of You · lives in")).to_contain_text("Oslo")
    expect(mine.dialog("History of You · lives in")).to_contain_text("invalidated")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Retire: You · lives in, Bergen").click()
    retire = mine.dialog("Retire this fact")
    retire.get_by_label("Why it no longer holds").fill("moved")
    retire.get_by_role("button", name="Retire").click()
    expect(page.get_by_text("No such facts.")).to_be_visible()
    page.get_by_label("State").click()
    page.get_by_role("option", name="Superseded").click()
    page.get_by_role("button", name="Restore: You · lives in, Bergen").click()
    mine.dialog("Restore this fact?").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("No such facts.")).to_be_visible()


def _forget_a_turn(mine: Watched) -> None:
    page = mine.page
    mine.go("Forget")
    page.get_by_label("What is it about?").fill("dog Rex")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Source of").first.click()
    mine.dialog("Source").get_by_role("button", name="Forget this turn").click()
    sure = mine.dialog("Forget this turn?")
    expect(sure).to_contain_text("for good")
    mine.picture("forget")
    sure.get_by_role("button", name="Forget").click()
    certificate = mine.dialog("Certificate of erasure")
    expect(certificate).to_contain_text("nothing of it is left")
    mine.picture("certificate")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    mine.go("Facts")
    expect(page.get_by_text("Earl Grey").first).to_be_visible()
    expect(page.get_by_text("Rex")).to_have_count(0)


def _garden(mine: Watched) -> None:
    page = mine.page
    mine.go("Gardening")
    page.get_by_role("checkbox", name="talked about now").click()
    page.get_by_role("button", name="Review plan").click()
    expect(page.get_by_text("expected cost: no model calls")).to_be_visible()
    expect(page.get_by_text("+ Diet: strictly vegetarian")).to_be_visible()
    mine.picture("plan")
    page.get_by_role("button", name="Apply").click()
    mine.dialog("Apply this plan?").get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    mine.go("Dossiers")
    page.get_by_role("button", name="Open the dossier").first.click()
    expect(page.get_by_role("heading", name="Provenance")).to_be_visible()
    mine.picture("dossier")
    mine.go("Gardening")
    page.get_by_role("button", name="Undo the run").click()
    mine.dialog("Undo this run?").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("undone", exact=True)).to_be_visible()
    mine.go("Dossiers")
    expect(page.get_by_text("No dossiers yet")).to_be_visible()


def test_a_phone_and_the_keyboard_alone(house: House, browser: Browser) -> None:
    with watched(browser, house.served, PHONE, dark=True) as mine:
        page = mine.page
        page.goto(house.served.url)
        page.keyboard.type(house.tokens["bob"].secret)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Message")).to_be_focused()
        for line in ("My cat is called Mia.", "What is my cat called?"):
            page.keyboard.type(line)
            page.keyboard.press("Enter")
            expect(page.locator(".exchange .mine", has_text=line)).to_be_visible()
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
        expect(page.locator(".exchange").last).to_contain_text("Mia")
        mine.picture("phone-chat")
        source = page.get_by_role("button", name="Source of").first
        for _ in range(12):
            page.keyboard.press("Shift+Tab")
            if source.evaluate("each => each === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(mine.dialog("Source")).to_contain_text("My cat is called Mia.")
        mine.picture("phone-source")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(source).to_be_focused()
        for view in VIEWS:
            mine.go(view)
            mine.picture(f"phone-{view.lower()}")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], view


def test_hostile_text_stays_text(house: House, browser: Browser) -> None:
    with watched(browser, house.served) as mine:
        page = mine.page
        mine.sign_in(house.tokens["eve"].secret)
        for text in HOSTILE:
            mine.say(text)
            expect(page.locator(".exchange .mine .words").last).to_have_text(text)
        page.get_by_role("button", name="Source of").first.click()
        expect(mine.dialog("Source")).to_be_visible()
        page.keyboard.press("Escape")
        mine.go("Topics")
        page.get_by_role("button", name="Rename the topic").first.click()
        mine.dialog("Rename this topic").get_by_label("Label").fill(HOSTILE[0])
        mine.dialog("Rename this topic").get_by_role("button", name="Rename").click()
        expect(page.get_by_role("heading", name=HOSTILE[0]).first).to_be_visible()
        page.get_by_role("button", name="Open the topic").first.click()
        expect(page.locator("#thread")).to_be_focused()
        mine.go("Gardening")
        page.get_by_role("checkbox", name="talked about now").click()
        page.get_by_role("button", name="Review plan").click()
        page.get_by_role("button", name="Apply").click()
        mine.dialog("Apply this plan?").get_by_role("button", name="Apply").click()
        expect(page.get_by_role("heading", name="Done")).to_be_visible()
        for view in VIEWS:
            mine.go(view)
            assert page.evaluate("window.hit") is None, view
        assert page.locator("main img:not([src^='/lattice.svg']), main a, main script").count() == 0
        mine.go("Forget")
        expect(page.get_by_role("heading", name=SESSION)).to_be_visible()
        # And if a view ever did make HTML of a text, the policy would keep it still.
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.hit=1>')")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hit") is None
        assert any("Content Security Policy" in each for each in mine.complaints)
        mine.complaints.clear()


def test_two_users_at_once_never_mix(house: House, browser: Browser) -> None:
    names = {"tom": "Quillfeather", "una": "Brackenmoor"}
    with watched(browser, house.served) as tom, watched(browser, house.served) as una:
        pages = {"tom": tom, "una": una}
        for user, mine in pages.items():
            mine.sign_in(house.tokens[user].secret)
        for user, mine in pages.items():
            mine.page.get_by_label("Message").fill(f"My sister is called {names[user]}.")
        for mine in pages.values():
            mine.page.get_by_label("Message").press("Enter")
        for user, mine in pages.items():
            expect(mine.page.locator(".exchange").last).to_contain_text(names[user])
            expect(mine.page.locator("[aria-busy=true]")).to_have_count(0)
            mine.say("What is my sister called?")
        for user, mine in pages.items():
            other = names["una" if user == "tom" else "tom"]
            for view in VIEWS:
                mine.go(view)
                assert other not in mine.page.content(), view
            assert user in mine.page.content()


def test_a_revoked_token_ends_the_page_and_signing_out_ends_all_tabs(house: House, browser: Browser) -> None:
    with watched(browser, house.served) as mine:
        secret = house.tokens["zoe"].secret
        mine.sign_in(secret)
        second = watch(mine.page.context, house.served)
        second.page.goto(house.served.url)
        expect(second.page.get_by_label("Message")).to_be_visible()
        mine.page.get_by_role("button", name="Sign out").click()
        expect(second.page.get_by_label("Token")).to_be_visible()
        mine.sign_in(secret)
        run("token", "revoke", house.tokens["zoe"].token.token_id, "--db", str(house.served.db))
        mine.page.get_by_role("navigation").get_by_role("button", name="Facts").click()
        expect(mine.page.get_by_label("Token")).to_be_visible()
        second.check()


def test_an_administrator_chooses_whose_memory(house: House, browser: Browser) -> None:
    with watched(browser, house.served) as mine:
        page = mine.page
        page.goto(f"{house.served.url}/login#token={house.tokens[None].secret}")
        page.get_by_label("User").fill("ada")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Memory of ada")).to_be_visible()
        mine.go("Facts")
        expect(page.get_by_text("Earl Grey").first).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Facts")).to_be_visible()
        page.get_by_role("button", name="Other user").click()
        page.get_by_label("User").fill("max")
        page.get_by_role("button", name="Open").click()
        _see_long_lists(mine)


def _see_long_lists(mine: Watched) -> None:
    """Only a page of a list is in the browser, however long the list is."""
    page = mine.page
    turns = page.locator("article.turn")
    expect(turns).to_have_count(20)
    expect(turns.last).to_contain_text(MANY[-1])
    page.get_by_role("button", name="Earlier turns").click()
    expect(turns).to_have_count(40)
    expect(turns.first).to_contain_text(MANY[-40])
    mine.go("Facts")
    rows = page.get_by_role("listitem")
    expect(rows).to_have_count(30)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("31–60 of")).to_be_visible()
    expect(rows).to_have_count(30)


def _until_learned(mine: Watched, word: str) -> None:
    """Facts are learned in the background: look until this one is there."""
    for _ in range(10):
        mine.go("Profile")
        mine.go("Facts")
        if mine.page.get_by_role("heading", name=word).count():
            return
    pytest.fail(f"{word} was not learned")


def test_what_another_tab_has_taken_away_is_told(house: House, browser: Browser) -> None:
    with watched(browser, house.served) as mine:
        mine.sign_in(house.tokens["kim"].secret)
        mine.say("My parrot is called Coco.")
        _until_learned(mine, "Coco")
        second = watch(mine.page.context, house.served)
        second.page.goto(house.served.url)
        second.go("Forget")
        second.page.get_by_role("button", name="Forget everything").click()
        typed = second.dialog("Forget everything?").get_by_label("User")
        typed.fill("Kim")
        second.page.keyboard.press("Enter")
        expect(second.page.get_by_text("That is not the name.")).to_be_visible()
        typed.fill("kim")
        second.page.keyboard.press("Enter")
        expect(second.dialog("Certificate of erasure")).to_be_visible()
        second.check()
        mine.page.get_by_role("button", name="Source:").first.click()
        expect(mine.page.get_by_text("It may have been forgotten")).to_be_visible()
        mine.page.wait_for_timeout(500)  # it slides in
        mine.picture("notice")
    assert "Traceback" not in house.served.log.read_text(encoding="utf-8")
