"""English word lists. Closed word classes are complete."""

from __future__ import annotations

from septet_cache.domain.reading.word_table import table, words

ARTICLES = words("a an the this that these those there here")
PRONOUNS = words(
    """
    i me my mine myself we us our ours ourselves you your yours yourself one ones one's it its itself he him
    his she her hers they them their theirs
    """
)
AUXILIARIES = words(
    """
    be am is are was were been being do does did doing done have has had having can could may might must
    shall should will would ought
    """
)
WH = words("what which who whom whose when where why how")
CONNECTIVES = words(
    """
    and or but if so because then than as while whether also too very much just really actually ever please
    well even though although etc e.g i.e hi hello hey thanks thank
    """
)
#: Prepositions by the role that they give to the phrase after them.
ROLES = table(
    """
    from: from off
    to: to into onto
    by: by
    before: before
    after: after
    than: than
    over: over above
    under: under below
    since: since
    until: until till
    with: with
    without: without
    against: against
    behind: behind
    via: via
    in: in on at inside within during
    for: for
    about: about
    of: of
    """
)
PREPOSITIONS = frozenset(ROLES) | words(
    """
    of as per between among outside through across along around towards toward upon like near
    """
)
FUNCTION = ARTICLES | PRONOUNS | AUXILIARIES | WH | CONNECTIVES | PREPOSITIONS

NEGATIONS = words(
    """
    not no non never none nobody nothing nowhere neither nor cannot without unable impossible fail fails
    failed failing lack lacks lacking
    """
)
LIGHT = words(
    """
    good best better great top nice way thing things something anything stuff people person someone somebody
    anyone everyone get know want like go come have tell say think feel some many lot lots possible example
    kind type method approach answer question explain describe define difference tip advice suggestion opinion any real own absolute start l
    view thought other different various several mean meaning
    """
)
#: Adjectives that say little about a way of doing something ("the easiest way to").
ADJECTIVES_OF_WAYS = words("right simple easy effective efficient proper correct")
WAYS = words("way ways method methods approach approaches")
#: Categories that may follow a name without another meaning ("the json.dumps function").
CATEGORIES = words(
    "class function method module library package command language exam movie film app website company city state country river island series"
)
#: Verbs that may follow a superlative without another meaning ("the best beaches to visit").
COMPLEMENTS = words("visit see read watch buy get use try eat take choose have go do hear play")
SUPERLATIVES = words("best good great top better favorite favourite nicest")
NOT_ADVERBS = words("family monthly weekly yearly supply reply apply assembly anomaly monopoly italy")
#: Words for what a question asks about its subject. Questions with different aspects differ.
ASPECTS = table(
    """
    difference: difference differ distinguish compare comparison versus vs
    example: example instance
    kind: kind type category
    use: use usage purpose
    work: work
    tip: tip
    similarity: similarity similar
    """
)
QUALIFIERS = table(
    """
    only: only just
    always: always
    still: still
    yet: yet
    already: already
    again: again
    today: today tonight
    tomorrow: tomorrow
    yesterday: yesterday
    now: now currently current nowadays presently
    latest: latest newest recent recently
    last: last previous
    next: next upcoming
    future: future
    past: past
    ago: ago
    every: every each
    all: all
    both: both
    most: most
    least: least
    worst: worst
    good: good best better great greatest top excellent
    almost: almost
    half: half
    except: except besides
    instead: instead
    permanently: permanently
    temporarily: temporarily
    automatically: automatically
    manually: manually
    else: else
    other: other
    """
)
#: Words before "when" that change the time asked for ("until when").
LIMITS = frozenset({"from", "until", "till", "since", "by"})
#: Questions in which another party acts: "get paid" is not "pay". "Get started" is "start".
PASSIVE = (
    r"\b(?:(?:i|we|you|one|someone) (?:get|be)|who (?:is|are|was|were|gets?|got))"
    r" (?!started|married|divorced|used|interested)(?:[a-z]+ed|paid|given|sent|told|seen|taken|chosen|lent|taught|shown)\b"
)
MODALS = table(
    """
    can: can could may might able possible
    should: should ought shall
    must: must
    will: will
    would: would
    past: did was were had
    """
)

IRREGULAR = table(
    """
    use: used using
    learn: learnt
    get: got gotten
    buy: bought
    make: made
    go: went gone
    child: children
    man: men
    woman: women
    mouse: mice
    foot: feet
    tooth: teeth
    write: wrote written
    run: ran
    see: saw seen
    take: took taken
    give: gave given
    find: found
    tell: told
    say: said
    think: thought
    feel: felt
    keep: kept
    lose: lost
    win: won
    pay: paid
    sell: sold
    build: built
    break: broke broken
    choose: chose chosen
    begin: began begun
    know: knew known
    speak: spoke spoken
    eat: ate eaten
    drink: drank
    come: came
    become: became
    leave: left
    meet: met
    send: sent
    spend: spent
    teach: taught
    understand: understood
    die: died dying
    lie: lying
    try: tried
    index: indices
    matrix: matrices
    criterion: criteria
    data: data
    media: media
    news: news
    series: series
    species: species
    analysis: analyses
    basis: bases
    grow: grew grown
    fall: fell fallen
    hold: held
    lead: led
    drive: drove
    fast: faster fastest
    quick: quicker
    cheap: cheapest
    easy: easiest easier
    big: biggest bigger
    large: largest larger
    """
)
