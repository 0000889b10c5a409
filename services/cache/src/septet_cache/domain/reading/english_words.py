"""English word lists for reading questions. Closed classes are whole; synonym groups are kept to words that
can stand for each other in almost any question, since a wrong one can let a wrong answer through."""

from __future__ import annotations

ARTICLES = frozenset("a an the this that these those there here".split())
PRONOUNS = frozenset(
    "i me my mine myself we us our ours ourselves you your yours yourself one ones one's it its itself "
    "he him his she her hers they them their theirs".split()
)
AUXILIARIES = frozenset(
    "be am is are was were been being do does did doing done have has had having "
    "can could may might must shall should will would ought".split()
)
WH = frozenset("what which who whom whose when where why how".split())
CONNECTIVES = frozenset(
    "and or but if so because then than as while whether also too very much just really actually ever please "
    "well even though although etc e.g i.e hi hello hey thanks thank".split()
)
#: Prepositions by the role that they give to what follows.
ROLES = {
    "from": "from", "to": "to", "into": "to", "onto": "to", "by": "by", "before": "before", "after": "after",
    "than": "than", "over": "over", "above": "over", "under": "under", "below": "under", "since": "since",
    "until": "until", "till": "until", "with": "with", "without": "without", "against": "against",
    "off": "from", "behind": "behind", "via": "via", "in": "in", "on": "in", "at": "in", "inside": "in",
    "within": "in", "during": "in", "for": "for", "about": "about",
}  # fmt: skip
PREPOSITIONS = frozenset(ROLES) | frozenset(
    "of as per between among outside through across along around "
    "towards toward upon like near".split()
)
FUNCTION = ARTICLES | PRONOUNS | AUXILIARIES | WH | CONNECTIVES | PREPOSITIONS

NEGATIONS = frozenset(
    "not no non never none nobody nothing nowhere neither nor cannot without unable impossible fail fails failed "
    "failing lack lacks lacking".split()
)
LIGHT = frozenset(
    "good best better great top nice way ways thing things something anything stuff people person someone "
    "somebody anyone everyone get got getting make use know want need like go come take give have tell find "
    "say see look think feel show try keep put let help some many lot lots kind type sort_of types kinds possible "
    "example way method approach answer question explain describe define list_of idea difference "
    "tip advice suggestion opinion view thought work other different various several "
    "right exactly basically simple simply easy easily effective efficient effectively".split()
)
NOT_ADVERBS = frozenset("family monthly weekly yearly supply reply apply assembly anomaly monopoly italy".split())
QUALIFIERS = {
    "only": "only", "just": "only", "always": "always", "still": "still", "yet": "yet", "already": "already",
    "again": "again", "today": "today", "tonight": "today", "tomorrow": "tomorrow", "yesterday": "yesterday",
    "now": "now", "currently": "now", "current": "now", "nowadays": "now", "presently": "now",
    "present": "now", "latest": "latest", "newest": "latest", "recent": "latest", "recently": "latest",
    "last": "last", "previous": "last", "next": "next", "upcoming": "next", "future": "future", "past": "past",
    "ago": "ago", "every": "every", "each": "every", "all": "all", "both": "both", "most": "most", "least": "least",
    "worst": "worst", "almost": "almost", "half": "half", "except": "except", "besides": "except",
    "instead": "instead", "permanently": "permanently", "temporarily": "temporarily", "automatically":
    "automatically", "manually": "manually", "else": "else", "other": "other",
}  # fmt: skip
MODALS = {
    "can": "can", "could": "can", "may": "can", "might": "can", "able": "can", "possible": "can",
    "should": "should", "ought": "should", "must": "must", "shall": "should", "will": "will", "would": "would",
    "did": "past", "was": "past", "were": "past", "had": "past",
}  # fmt: skip

IRREGULAR = {
    "learnt": "learn", "got": "get", "gotten": "get", "bought": "buy", "made": "make", "went": "go", "gone": "go",
    "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot", "teeth": "tooth",
    "wrote": "write", "written": "write", "ran": "run", "saw": "see", "seen": "see", "took": "take", "taken": "take",
    "gave": "give", "given": "give", "found": "find", "told": "tell", "said": "say", "thought": "think", "felt": "feel",
    "kept": "keep", "lost": "lose", "won": "win", "paid": "pay", "sold": "sell", "built": "build", "broke": "break",
    "broken": "break", "chose": "choose", "chosen": "choose", "began": "begin", "begun": "begin", "knew": "know",
    "known": "know", "spoke": "speak", "spoken": "speak", "ate": "eat", "eaten": "eat", "drank": "drink",
    "came": "come", "became": "become", "left": "leave", "met": "meet", "sent": "send", "spent": "spend",
    "taught": "teach", "understood": "understand", "died": "die", "dying": "die", "lying": "lie", "tried": "try",
    "indices": "index", "matrices": "matrix", "criteria": "criterion", "data": "data", "media": "media",
    "news": "news", "series": "series", "species": "species", "analyses": "analysis", "bases": "basis",
    "grew": "grow", "grown": "grow", "fell": "fall", "fallen": "fall", "held": "hold", "led": "lead", "drove": "drive",
    "faster": "fast", "quicker": "quick", "cheapest": "cheap", "easiest": "easy", "fastest": "fast",
    "easier": "easy", "biggest": "big", "largest": "large", "bigger": "big", "larger": "large",
}  # fmt: skip

_SYNONYMS = """
buy purchase
begin start
fast quick quickly rapid rapidly
big large huge
film movie
picture photo image photograph pic
fix repair solve resolve
choose select pick
happen occur
required needed necessary require need
important significant importance significance
difference different differ distinction
advantage benefit
disadvantage drawback downside
meaning definition
method way approach
reason cause
effect impact influence consequence
increase raise boost
decrease reduce lower
improve enhance
learn study
country nation
company firm
kid child
car automobile
rich wealthy
smart intelligent clever
hard difficult tough
dangerous harmful risky
safe safely
cheap inexpensive
expensive costly
sick ill
rupee rs inr
us usa america american u.s u.s.a
uk britain british u.k
india indian
china chinese
russia russian
pakistan pakistani
wifi wi-fi
app application
info information
exam examination test
tip advice suggestion
favorite favourite
color colour
behavior behaviour
center centre
program programme
organization organisation
phone smartphone mobile
tv television
ad advertisement
bike bicycle
fridge refrigerator
doc document
repo repository
dir directory folder
delete remove
obtain get receive
build construct
finish complete
earn make
cost price
salary pay
job career
lawyer attorney
house home
movie film
mom mother
dad father
pm prime_minister
photo picture
db database
js javascript
postgres postgresql
k8s kubernetes
py python
regex regexp
string str
integer int
dict dictionary
param parameter
arg argument
func function
""".strip()


def _groups() -> dict[str, str]:
    canon: dict[str, str] = {}
    for line in _SYNONYMS.splitlines():
        words = line.split()
        head = next((canon[w] for w in words if w in canon), words[0])
        canon.update(dict.fromkeys(words, head))
    return canon


SYNONYM = _groups()

ANTONYMS = tuple(
    tuple(line.split())
    for line in """
before after
max min
maximum minimum
maximize minimize
maximal minimal
encode decode
encoding decoding
encrypt decrypt
compress decompress
serialize deserialize
pack unpack
first last
open close
start stop
begin end
start end
start finish
on off
enable disable
enabled disabled
increase decrease
raise lower
gain lose
win lose
add remove
add delete
add subtract
insert delete
push pop
push pull
append prepend
import export
upload download
input output
read write
send receive
buy sell
borrow lend
import export
install uninstall
mount unmount
lock unlock
block unblock
login logout
log_in log_out
sign_in sign_out
connect disconnect
attach detach
join leave
join split
merge split
show hide
turn_on turn_off
left right
top bottom
up down
high low
higher lower
highest lowest
large small
larger smaller
largest smallest
big small
biggest smallest
long short
longer shorter
longest shortest
tall short
fast slow
faster slower
fastest slowest
hot cold
heat cool
hard easy
hard soft
good bad
best worst
better worse
rich poor
cheap expensive
cheapest expensive
new old
newest oldest
young old
youngest oldest
early late
earlier later
earliest latest
more less
more fewer
most least
many few
always never
all none
inside outside
internal external
public private
male female
man woman
men women
boy girl
husband wife
father mother
son daughter
brother sister
king queen
positive negative
advantage disadvantage
benefit drawback
pro con
pros cons
strength weakness
love hate
like dislike
accept reject
accept refuse
allow forbid
allow prevent
approve reject
pass fail
success failure
succeed fail
alive dead
life death
birth death
born died
teach learn
teacher student
employer employee
doctor patient
cause effect
question answer
ask answer
client server
local global
local remote
ascending descending
horizontal vertical
row column
rows columns
even odd
true false
synchronous asynchronous
sync async
mutable immutable
static dynamic
strong weak
thick thin
light dark
light heavy
day night
morning evening
summer winter
north south
east west
northern southern
eastern western
front back
forward backward
domestic foreign
legal illegal
possible impossible
safe dangerous
healthy unhealthy
save spend
save delete
credit debit
deposit withdraw
deposit withdrawal
lend borrow
import export
arrive depart
arrival departure
come go
in out
above below
over under
with without
include exclude
including excluding
inclusive exclusive
minimum maximum
upper lower
uppercase lowercase
upgrade downgrade
wide narrow
full empty
create delete
create destroy
attack defend
gain loss
profit loss
demand supply
theory practice
superior inferior
parent child
ancestor descendant
predecessor successor
sender receiver
source destination
source target
numerator denominator
horizontal vertical
floor ceiling
floor ceil
gt lt
get set
getter setter
request response
producer consumer
master slave
leader follower
stack queue
signed unsigned
prefix suffix
precision recall
accuracy precision
mean median
""".strip().splitlines()
)
