"""Pieces of patterns and word lists that the rules share: names, places, kinds of people and things."""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as running text."""
    return frozenset(text.split())


UP = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİŁŃŇŐŒŘŚŞŠŤŪŮŰŹŻŽΑ-ΩА-Я"
# A word that begins with a capital, and up to four of them that make a name.
CAP = rf"(?:(?:St|Dr|Mt|Ft|Mr|Mrs|Ms|Mx|Prof)\. )?[{UP}][\w&'+-]*(?:\.[\w-]+)*"
NAME = rf"{CAP}(?: (?:(?:of|de|la|le|van|von|der|den|da|do|di|del|bin|al|the|and|&) ){{0,2}}{CAP}){{0,3}}"
PERSON = rf"{CAP}(?: (?:(?:van|von|de|der|den|da|di|bin|al) )?{CAP}){{0,2}}"
PLACE = (
    rf"(?:[Tt]he )?{CAP}(?:[ -](?:(?:of|de|la|le|am|upon|sur|del|di|do|da|the) )?{CAP}){{0,3}}(?:, "
    rf"{CAP}(?: {CAP})?){{0,2}}"
)
LOW_PLACE = r"[a-z][a-z'-]{2,}(?: [a-z][a-z'-]{2,})?"
ADV = (
    r"(?:(?:also|currently|now|really|still|just|actually|originally|presently|already|recently|"
    r"finally|usually|"
    r"generally|always|basically|definitely|absolutely|happily|proudly|both|only|mostly|personally|"
    r"very|so|totally|"
    r"truly|often|mainly|officially|permanently|temporarily|today|nowadays|these days|thankfully|"
    r"obviously) ){0,3}"
)
END = (
    r"(?=$|[,.;:!?)(]| (?:and|but|so|because|since|for|with|from|at|in|on|as|now|by|who|which|where|that|"
    r"when|while|near|right now|these days|at the moment|nowadays|too|again)\b)"
)

# Words that can't be the name of a place or person although a capital may stand there.
NOT_NAMES = word_set(
    """
    i my the a an this that these those it he she we you they there here what who when where why how yes
    no not and but or so if then now today tomorrow yesterday just still also always never everyone
    everybody nobody someone somebody anyone anybody people nothing something anything everything one
    two three monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december english please thanks thank ok okay well oh hey
    hi hello dear sorry
    """
)
NOT_PLACES = word_set(
    """
    fear pain hope harmony poverty peace sin town constant misery luxury denial exile hiding person
    general particular fact case front love debt doubt bed tears trouble danger comfort style silence
    squalor isolation real linux windows python java excel word git docker kubernetes slack jira notion
    sql mysql postgresql postgres sqlite mongodb redis oracle aws azure gcp github gitlab bitbucket
    linear teams zoom outlook gmail react vue angular django flask rust typescript javascript android
    ios macos ubuntu debian fedora bash vim emacs vscode chatgpt claude gemini openai anthropic celery
    terraform ansible kafka spark snowflake bigquery heroku vercel netlify cloudflare salesforce hubspot
    stripe paypal shopify wordpress trello asana confluence
    """
)

_AND = re.compile(r",? (?:and|or|nor) (?:also )?|, ")


def items(text: str) -> list[str]:
    """The items of a list in words: "a, b and c"."""
    return [item.strip() for item in _AND.split(text) if item.strip()]


def named(value: str) -> bool:
    """Whether every word can be part of a proper name."""
    words = value.lower().replace(",", " ").split()
    return bool(words) and words[0] not in NOT_NAMES


RELATIONS_ONE = word_set(
    """
    wife husband spouse fiance fiancé fiancee fiancée girlfriend boyfriend partner mother mom mum father
    dad boss manager landlord landlady therapist dentist doctor lawyer accountant mentor supervisor
    advisor roommate stepmother stepfather mother-in-law father-in-law flatmate assistant gp
    """
)
RELATIONS_MANY = word_set(
    """
    son daughter brother sister child kid baby friend colleague coworker co-worker neighbour neighbor
    cousin aunt uncle nephew niece grandmother grandfather grandma grandpa grandson granddaughter twin
    stepson stepdaughter brother-in-law sister-in-law teammate stepbrother stepsister godson goddaughter
    """
)
FAMILY = word_set(
    """
    wife husband spouse fiance fiancé fiancee fiancée girlfriend boyfriend partner mother mom mum father
    dad son daughter brother sister child kid baby stepmother stepfather mother-in-law father-in-law
    grandmother grandfather grandma grandpa grandson granddaughter twin stepson stepdaughter cousin aunt
    uncle nephew niece brother-in-law sister-in-law
    """
)

ANIMALS = (
    r"(?:dog|cat|puppy|kitten|hamster|rabbit|bunny|parrot|budgie|canary|goldfish|fish|turtle|tortoise|"
    r"snake|lizard|"
    r"gecko|horse|pony|guinea pig|ferret|rat|mouse|bird|chicken|goat|donkey|pig|sheep|duck|hedgehog|"
    r"chinchilla|"
    r"iguana|cockatiel|axolotl|tarantula|frog|bearded dragon|llama|alpaca|cow|pet|"
    r"retriever|labrador|lab|poodle|terrier|beagle|bulldog|dachshund|collie|spaniel|shepherd|husky|corgi|pug|"
    r"chihuahua|rottweiler|dalmatian|greyhound|whippet|mastiff|malamute|schnauzer|setter|pointer|boxer|"
    r"samoyed|"
    r"doodle|labradoodle|goldendoodle|shih tzu|maltese|pomeranian|siamese|persian|maine coon|ragdoll|"
    r"tabby|bengal|"
    r"sphynx|calico|mutt|hound|great dane|st\.? bernard|sheepdog|vizsla|akita|shiba inu|weimaraner|birman)"
)

LANGUAGES = (
    r"(?:English|Norwegian|Swedish|Danish|Finnish|Icelandic|German|French|Spanish|Italian|Portuguese|"
    r"Dutch|Polish|"
    r"Czech|Slovak|Hungarian|Romanian|Bulgarian|Greek|Turkish|Russian|Ukrainian|Serbian|Croatian|"
    r"Slovenian|Arabic|"
    r"Hebrew|Persian|Farsi|Urdu|Hindi|Bengali|Punjabi|Tamil|Telugu|Marathi|Gujarati|Kannada|Malayalam|"
    r"Sinhala|"
    r"Nepali|Thai|Vietnamese|Indonesian|Malay|Tagalog|Filipino|Mandarin|Cantonese|Chinese|Japanese|Korean|"
    r"Swahili|Zulu|Xhosa|Afrikaans|Amharic|Somali|Yoruba|Igbo|Hausa|Irish|Welsh|Gaelic|Basque|Catalan|"
    r"Galician|"
    r"Latin|Esperanto|Estonian|Latvian|Lithuanian|Albanian|Macedonian|Armenian|Georgian|Kurdish|Pashto|Sami)"
)

NATIONALITIES = (
    r"(?:American|Canadian|Mexican|Brazilian|Argentinian|Argentine|Chilean|Colombian|Peruvian|"
    r"Venezuelan|Cuban|"
    r"British|English|Scottish|Welsh|Irish|French|German|Austrian|Swiss|Italian|Spanish|Portuguese|"
    r"Dutch|Belgian|"
    r"Danish|Norwegian|Swedish|Finnish|Icelandic|Polish|Czech|Slovak|Slovenian|Hungarian|Romanian|"
    r"Bulgarian|Greek|"
    r"Turkish|Russian|Ukrainian|Serbian|Croatian|Bosnian|Albanian|Estonian|Latvian|Lithuanian|Egyptian|"
    r"Moroccan|"
    r"Tunisian|Algerian|Nigerian|Ghanaian|Kenyan|Ethiopian|Somali|South African|Israeli|Lebanese|"
    r"Syrian|Jordanian|"
    r"Iraqi|Iranian|Saudi|Afghan|Pakistani|Indian|Bangladeshi|Sri Lankan|Nepali|Thai|Vietnamese|Indonesian|"
    r"Malaysian|Filipino|Filipina|Singaporean|Chinese|Taiwanese|Japanese|Korean|South Korean|Australian|"
    r"New Zealander|Maltese|Cypriot|Armenian|Georgian|Kazakh|Jamaican|Dominican|Haitian)"
)

RELIGIOUS = (
    r"(?:Muslim|Christian|Catholic|Protestant|Lutheran|Jewish|Hindu|Buddhist|Sikh|Mormon|Orthodox|Jain|"
    r"Quaker)"
)

JOBS = (
    r"(?:nurse|doctor|physician|surgeon|dentist|vet|veterinarian|pharmacist|paramedic|midwife|therapist|"
    r"psychologist|psychiatrist|counsellor|counselor|teacher|professor|lecturer|tutor|librarian|scientist|"
    r"researcher|physicist|chemist|biologist|mathematician|statistician|economist|historian|engineer|"
    r"developer|"
    r"programmer|dev|sysadmin|designer|architect|administrator|analyst|consultant|manager|director|"
    r"producer|editor|writer|"
    r"author|journalist|reporter|translator|interpreter|photographer|painter|sculptor|illustrator|musician|"
    r"pianist|violinist|guitarist|singer|actor|actress|dancer|comedian|chef|cook|baker|barista|"
    r"bartender|waiter|"
    r"waitress|butcher|farmer|fisherman|gardener|florist|carpenter|electrician|plumber|mechanic|welder|"
    r"builder|"
    r"painter|tailor|hairdresser|barber|pilot|captain|sailor|driver|cyclist courier|courier|postman|"
    r"firefighter|"
    r"fireman|policeman|police officer|officer|soldier|detective|guard|lawyer|attorney|solicitor|"
    r"barrister|judge|"
    r"paralegal|notary|accountant|auditor|banker|broker|trader|cashier|clerk|secretary|receptionist|salesman|"
    r"salesperson|realtor|estate agent|recruiter|entrepreneur|founder|co-founder|ceo|cto|cfo|coo|student|"
    r"phd student|freelancer|intern|apprentice|social worker|politician|diplomat|priest|pastor|imam|"
    r"rabbi|monk|"
    r"nun|flight attendant|tour guide|personal trainer|coach|referee|lifeguard|cleaner|janitor|nanny|"
    r"caregiver|"
    r"carer|housewife|homemaker|stay-at-home (?:mom|mum|dad|parent)|retiree|pensioner|archaeologist|"
    r"geologist|"
    r"astronomer|astronaut|meteorologist|botanist|zoologist|optician|optometrist|radiologist|cardiologist|"
    r"neurologist|dermatologist|pediatrician|paediatrician|anesthesiologist|physiotherapist|dietitian|"
    r"nutritionist|blogger|streamer|youtuber|podcaster|copywriter|marketer|tester|technician|operator|"
    r"machinist|"
    r"plasterer|roofer|bricklayer|surveyor|urban planner|civil servant|product owner|scrum master|data "
    r"scientist)"
)

ORGANISATIONS = (
    r"(?:bank|hospital|school|university|college|startup|start-up|company|firm|agency|restaurant|"
    r"library|museum|"
    r"shop|store|bakery|clinic|hotel|factory|lab|laboratory|ngo|charity|government|ministry|municipality|"
    r"newspaper|magazine|publisher|cafe|café|garage|farm|airline|airport|church|kindergarten|nursery|"
    r"pharmacy|"
    r"studio|theatre|theater|consultancy|supermarket|brewery|winery|law firm|nonprofit|non-profit|gym|salon)"
)

FOODS = word_set(
    """
    meat fish pork beef chicken lamb veal turkey duck poultry bacon ham sausage sausages steak seafood
    shellfish shrimp shrimps prawns crab lobster oysters mussels clams squid salmon tuna eggs egg dairy
    milk cheese butter cream yoghurt yogurt lactose gluten wheat bread pasta rice corn soy soya tofu
    nuts peanuts peanut almonds cashews walnuts hazelnuts pistachios sesame honey sugar salt caffeine
    coffee tea alcohol wine beer spirits chocolate mushrooms mushroom onions onion garlic tomatoes
    tomato potatoes carbs fruit vegetables beans lentils spinach broccoli cilantro coriander parsley
    celery mustard avocado bananas strawberries citrus oranges grapefruit kiwi mango pineapple gelatin
    gelatine msg aspartame sweets candy desserts soda animals
    """
)
DRINKS = word_set("alcohol wine beer spirits coffee tea caffeine soda milk")
# What brings a way of eating to its end when it is eaten again.
MEATS = word_set(
    """
    meat beef pork chicken lamb steak bacon ham turkey veal poultry sausages sausage duck
    """
)
SEAFOODS = word_set("fish seafood salmon tuna shellfish shrimp shrimps prawns crab lobster")
ANIMAL_PRODUCTS = word_set("eggs egg dairy milk cheese butter honey cream yoghurt yogurt")
