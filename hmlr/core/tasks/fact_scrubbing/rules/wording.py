"""How a sentence is worded: its normal form, and the signs that it states nothing.

Pure functions and patterns on text; `clauses` uses them.
"""

from __future__ import annotations

import re
import unicodedata

from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set


def tidy(value: str) -> str:
    """A value without surrounding white space, quotes and closing marks."""
    return value.strip().strip("\"'`“”*_").rstrip(" .,;:!").strip().strip("\"'`")


_DETERMINERS = word_set("the a an my our your his her their its this that these those of")
_SLUG = re.compile(r"[\W_]+")
# Letters that are no other letter with a mark, so that they don't come apart into one.
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th",
                          "ı": "i"})  # fmt: skip


def slug(text: str) -> str:
    """A key made of a noun phrase: lower_snake_case, without articles and possessives.

    Latin letters lose their marks ("Enköping": enkoping); words in other letters are left out.
    """
    low = text.lower().replace("'s", "").translate(_LETTERS)
    plain = "".join(each for each in unicodedata.normalize("NFKD", low) if not unicodedata.combining(each))
    words = [word for word in _SLUG.sub(" ", plain).split() if word.isascii() and word not in _DETERMINERS]
    return "_".join(words)[:60].strip("_")


# --- normal form -----------------------------------------------------------------------------------

_PUNCTUATION = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
                              "\u00a0": " ", "\u202f": " ", "\u2011": "-"})  # fmt: skip
_CONTRACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bcan'?t\b", re.IGNORECASE), "cannot"),
    (re.compile(r"\bwon't\b", re.IGNORECASE), "will not"),
    (
        re.compile(r"\b(do|does|did|is|are|was|were|has|have|had|would|should|could|must|need)n't\b", re.I),
        r"\1 not",
    ),
    (re.compile(r"\b(do|does|did|is|was|has)nt\b", re.IGNORECASE), r"\1 not"),
    (re.compile(r"\bI'm\b|\bIm\b(?= )|\bi'm\b|\bim\b(?= )"), "I am"),
    (re.compile(r"\b(you|we|they)'re\b", re.IGNORECASE), r"\1 are"),
    (re.compile(r"\b(I|you|we|they)'ve\b", re.IGNORECASE), r"\1 have"),
    (re.compile(r"\bive\b(?= )"), "I have"),
    (re.compile(r"\b(\w{1,12})'ll\b"), r"\1 will"),
    (re.compile(r"\b(I|you|we|they|he|she)'d\b", re.IGNORECASE), r"\1 would"),
    (re.compile(r"\b(it|he|she|that|there|here|what|who|where|name)'s\b", re.IGNORECASE), r"\1 is"),
)
_NO_APOSTROPHE = re.compile(r"\b(?:im|ive|dont|doesnt|didnt|isnt|wasnt|cant|hasnt)\b", re.IGNORECASE)
_ALLERGIC = re.compile(r"\b([Aa])l{1,3}er[gj](?=i[ck]k?\b|y\b|ies\b)")  # as it is often misspelt
_ADDRESS = re.compile(r"\b([Aa])dd?res+(?=(?:es)?\b)")
_LOW_I = re.compile(r"(?<![\w.'-])i(?![\w.'-])")
_WORD = re.compile(r"[\w'&+-]+")
_SPACES = re.compile(r"\s+")
LEAD = re.compile(
    r"^(?:[-*•>#\s]|\d{1,3}[.)]\s|(?:well|ok|okay|oh|so|yes|yeah|no(?=[,.!:]| (?:I|it|my|we)\b)|hey|hi|"
    r"hello|btw|by the way|fyi|"
    r"also|and|but|"
    r"actually|anyway|honestly|plus|note|update|reminder|for the record|just so you know|as you know|"
    r"thanks|thank you|sure|right|lol|haha|ps|p\.s\.|hmm+|um+|uh|ah|erm|oops|wait|sorry|correction|edit|"
    r"(?:scratch|strike) that|"
    r"(?:big|good|great|bad|sad|quick|happy) (?:news|update)|guess what)"
    r"(?:\s+(?:there|again|everyone|all|\w+!))?[,:!.]?\s+)+",
    re.IGNORECASE,
)


def normal(text: str) -> str:
    """The text in normal form: one line, straight quotes, contractions opened, "i" as "I"."""
    text = _SPACES.sub(" ", text.translate(_PUNCTUATION)).strip()
    if "'" in text or _NO_APOSTROPHE.search(text):
        for pattern, opened in _CONTRACTIONS:
            text = pattern.sub(opened, text)
    if "lerg" in text or "lerj" in text:
        text = _ALLERGIC.sub(r"\1llerg", text)
    if "dres" in text:
        text = _ADDRESS.sub(r"\1ddress", text)
    return _LOW_I.sub("I", text)


# English leaves the subject out in a diary's tone: "Sold the boat", "just moved to Bergen". The word after
# the verb tells such a statement from a heading ("Lost and found") or an order.
_A = r"(?:an?|the|my|our|his|her|their|another|some|one|two|three)"
_SUBJECTLESS = re.compile(
    rf"^(?:(?:just|finally|recently|already|also|have|officially) ){{0,2}}(?:"
    rf"(?:sold|bought|got|adopted|purchased|leased|rented|inherited|lost|scrapped|crashed|traded in|gave "
    rf"away|"
    rf"picked up|found|broke|finished|booked|met|visited) (?={_A}\b|rid of\b|[A-Z\d])"
    rf"|got (?=(?:married|engaged|divorced|promoted|hired|fired|laid off)\b)"
    rf"|(?:moved|relocated|emigrated|went) (?=(?:to|into|from|out|house|back|away|over|in with|on)\b)"
    rf"|(?:started|began) (?=(?:at|with|{_A}|working|eating|drinking|learning|taking|as|on)\b)"
    rf"|(?:quit|left|resigned from|resigned|joined) (?=(?:my|our|the|from|working|eating|drinking|"
    rf"smoking)\b|[A-Z])"
    rf"|(?:stopped|quit|gave up) (?=(?:eating|drinking|taking|smoking|working|using|meat|alcohol|coffee)\b)"
    rf"|(?:became|turned|went) (?=(?:an?|vegan|vegetarian|\d\d)\b)"
    rf"|(?:switched|migrated|changed|reset|updated|rotated) (?=(?:from|to|jobs|my|our|the)\b)"
    rf"|(?:live|work|study) (?=(?:in|at|as|for)\b [A-Za-z])"
    rf"|(?:living|working|studying) (?=(?:in|at|as|for)\b [A-Z]))",
    re.IGNORECASE,
)


def with_subject(text: str) -> str:
    """The sentence with its "I" put back where it was left out, else as it is."""
    if _SUBJECTLESS.match(text) is None:
        return text
    verb = text[:1].lower() + text[1:]
    return f"I am {verb}" if verb.split(maxsplit=1)[0].endswith("ing") else f"I {verb}"


def words_of(text: str) -> frozenset[str]:
    """The words of a text in lower case."""
    return frozenset(_WORD.findall(text.lower()))


# --- what is no statement --------------------------------------------------------------------------

_QUOTED = re.compile(r"\"([^\"\n]{1,600})\"|“([^”\n]{1,600})”|«([^»\n]{1,600})»")
_TALK = re.compile(r"\b(?:I|me|my|we|our|you|your)\b|\S+(?:\s+\S+){3}", re.IGNORECASE)
_SINGLE_QUOTED = re.compile(r"(?<!\w)['‘](?=(?:I|My|We|You|Always|Never)\b)[^\n]{3,300}?['’](?!\w)")
_ASKS = re.compile(
    r"^(?:(?:do|does|did|am|is|are|was|were|have|has|had|can|could|should|would|will|shall|may)(?: not)?\s+"
    r"(?:I|we|you|he|she|it|they|the|my|your|our|this|that|there|any|anyone|someone)\b"
    r"|(?:what|where|when|who|whom|whose|which|why|how)\s+"
    r"(?:is|are|was|were|am|did|does|do|can|could|should|would|will|many|much|old|long|has|have|often|"
    r"come|about)\b"
    r"|(?:tell me|remind me|do you (?:know|remember)|can you tell me) (?:what|where|when|who|which|why|"
    r"how|if|whether)\b)",
    re.IGNORECASE,
)
_UNREAL = re.compile(
    r"\b(?:imagine|suppose|supposing|pretend|pretending|hypothetically|what if|let us say|lets say|let's say|"
    r"wish|as if|as though|role-?play|in (?:the|my|a|this) (?:story|novel|game|dream|film|movie|book)|"
    r"my (?:character|protagonist|hero)|act as|if only|for example|e\.g\.|for instance|say I (?:am|was|"
    r"were|had)|"
    r"assume|assuming|would have|could have|joking|kidding|sarcas\w+)\b",
    re.IGNORECASE,
)
STAYS_UNREAL = re.compile(
    r"^(?:(?:please|now|let us|so) )*(?:imagine|suppose|pretend|hypothetically|act as|role-?play)\b",
    re.IGNORECASE,
)
KIDDING = re.compile(
    r"^\W*(?:(?:I am |I was )?(?:just|only) (?:kidding|joking)|jk|(?:I am|I was) (?:kidding|joking)|"
    r"not really|(?:no,? |wait,? |actually,? )*(?:scratch|strike|forget|ignore) that)\b(?! )",
    re.IGNORECASE,
)
HEARSAY = re.compile(
    r"\b(?:he|she|they|it|people|everyone|everybody|someone|somebody|who|nobody|[Mm]y \w+|[Tt]he \w+|"
    r"[Hh]is \w+|"
    r"[Hh]er \w+|[A-Z][\w-]+|you) (?:(?:just|also|once|always|still|even|has|have|had) )*"
    r"(?:said|says|say|told|tells|tell|claims?|claimed|thinks?|thought|believes?|believed|assumes?|"
    r"assumed|jokes?|"
    r"joked|wrote|writes|asked|asks|insists?|insisted|heard|guess(?:ed|es)?|suspects?|announced|goes|"
    r"was like)\b"
)
DOCTOR = re.compile(
    r"\b(?:my|the|a|our) (?:doctor|gp|physician|allergist|nurse|specialist|dermatologist|dentist"
                     r"|cardiologist|dietician|dietitian|vet)\b", re.IGNORECASE)  # fmt: skip
TRAILING_HEARSAY = re.compile(
    r",\s*(?:(?:he|she|they|[A-Z]\w+|my \w+) (?:said|says|joked|claimed|told)|(?:said|says|joked) "
    r"(?!I\b)\w+)[^,]*$"
)
CONDITION = re.compile(
    r"^(?:and |but |so |even |only |especially )*(?:if|unless|whether|in case|provided|once|until)\b", re.I
)
HARMLESS_CONDITION = re.compile(r"^(?:if (?:you|it|anyone|someone|that)|in case)\b", re.IGNORECASE)
DOUBT = word_set(
    """
    if unless whether would could might maybe perhaps apparently supposedly
    """
)


_KEEP = r"(?:remember|note|do not (?:ever )?forget|keep in mind|bear in mind)"
_KEEP_THAT = rf"(?:{_KEEP}|note down|make a note|take note|save|store|record|write down|memori[sz]e)"
_REQUEST = re.compile(
    r"^(?:(?:hey|hi|ok|okay|so|oh|and|also|btw|by the way|well|thanks)[,!]? )*"
    r"(?P<polite>(?:can|could|would|will) you (?:please |also |just )*|please,? (?:also |just |do )*|"
    r"(?:I (?:want|need|would like) you to |just |do |always )*)"
    rf"(?:{_KEEP_THAT}(?: for me| for later| please| this| of this)?,?(?: that,? |: ?| - )"
    r"(?!(?:what|when|where|who|why|how|if|whether|to|time|day|one|thing|moment|guy|for)\b)"
    rf"|{_KEEP},? (?=(?:my|our|I|we)\b))(?P<said>\S.*)$",
    re.IGNORECASE,
)


def requested(text: str) -> str:
    """What the sentence asks to be remembered ("Can you remember that I'm Bo?"), else the sentence."""
    found = _REQUEST.match(text)
    if found is None or ("?" in text[-3:] and "you" not in found["polite"].split()):
        return text
    return found["said"].rstrip(" ?")


_JOKE = (
    r"(?:[,;.]? (?:-+ |– |— )?(?:because |since |as |but )?(?:I|it|that|this) (?:was|is|am|were) (?:only |"
    r"just |all |"
    r"meant as )*(?:an? (?:joke|lie|typo|mistake)|joking|kidding|not true|untrue|lying|wrong|nonsense|"
    r"drunk)\b.*)?"
)
_TAKEN_BACK = re.compile(
    r"^(?i:(?:(?:please|no|wait|just|can you|could you|you can|also)[,]? )*"
    r"(?:forget|ignore|disregard|scratch|strike|I take back|take back|never mind)(?: about)? "
    r"(?:that |the fact that |what I (?:said|told you|mentioned|wrote)(?: earlier| before| above)?:? "
    r"?(?:that )?)"
    r"(?:I (?:once |ever |just )?(?:said|told you|mentioned|wrote|claimed)(?: earlier| before)?(?: that)? )?)"
    r"(?P<said>(?:I|[Mm]y|[Ww]e|[Oo]ur|[Tt]he|[Ii]t|[A-Z][\w'-]+) (?!(?:said|told you|mentioned)\b).+?)"
    rf"(?i:{_JOKE})$"
)


def taken_back(text: str) -> str:
    """What the sentence takes back ("Forget that I said I like opera, I was joking"), else ""."""
    found = _TAKEN_BACK.match(text)
    return found["said"].rstrip(" .!,;") if found is not None else ""


def mask_quoted(text: str) -> str:
    """The text with quoted talk blanked, offsets unchanged; a quoted name of few words stays."""
    if '"' in text or "“" in text or "«" in text:
        text = _QUOTED.sub(_blank_talk, text)
    if "'" in text or "‘" in text:
        text = _SINGLE_QUOTED.sub(lambda m: "·" * len(m.group()), text)
    return text


_MASKED = re.compile(r"·+")


def unmasked(value: str, quote: str) -> str:
    """The value with the quoted words that were blanked in it put back; "" when they are all that it is."""
    if "·" not in value:
        return value
    if not _MASKED.sub("", value).strip(" \"'.,;:!-"):
        return ""
    hidden = [found.group() for found in (*_QUOTED.finditer(quote), *_SINGLE_QUOTED.finditer(quote))]

    def told(found: re.Match[str]) -> str:
        return next((each for each in hidden if len(each) == len(found.group())), found.group())

    value = _MASKED.sub(told, value)
    return "" if "·" in value else value


def _blank_talk(found: re.Match[str]) -> str:
    inner = found[1] or found[2] or found[3]
    return "·" * len(found.group()) if _TALK.search(inner) else found.group()


def states(text: str) -> bool:
    """Whether the sentence can state a fact at all."""
    if "?" in text[-3:] or _ASKS.search(text):
        return False
    return not _UNREAL.search(text)
