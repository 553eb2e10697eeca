"""The world in English: its words and its plots."""

from world import Language, Plot, Question

GIRLS = ("Lily Anna Mia Rosa Emma Nora Clara Ruby Alice Lucy").split()
BOYS = ("Tom Ben Max Leo Sam Jack Oscar Finn Noah Peter").split()
OUTDOORS = "in park|in garden|by river|on hill|in forest|in meadow|by lake|by pond|in valley|in orchard".split("|")
ANYWHERE = "at market|at school|under bridge|in barn|on beach|in library|at bakery|by well|at mill|at harbour".split("|")
NOUNS = "kite ball scarf hat bell boat drum lantern basket book doll pillow flute cup ribbon box".split()
COLOURS = "red blue green yellow white purple pink brown golden silver".split()
FRUITS = "apple pear plum peach cherry nut berry mushroom".split()
PLURALS = {"cherry": "cherries", "peach": "peaches", "berry": "berries"}
DISHES = "apple pie|honey cake|plum cake|cheese bread|rice pudding|ginger biscuits|nut bread|pancakes".split("|")
INGREDIENTS = "flour|sugar|butter|milk|salt|cinnamon|cream|yeast".split("|")
TOOLS = "rope|ladder|net|blanket|bucket|pole|spade|sack".split("|")
BABIES = "kitten|puppy|duckling|lamb|piglet|bunny|foal|chick".split("|")
STUCK = "stuck in the mud|caught in a thorny bush|at the bottom of a deep hole|trapped behind a heavy log".split("|")
HELPERS = (
    "wise|owl,old|turtle,grey|goose,gentle|bear,clever|fox,kind|goat,tiny|mouse,friendly|frog,black|crow,quiet|deer,"
    "round|hedgehog,busy|squirrel"
).split(",")
SPOTS = "behind a big stone|under a thick bush|inside a hollow log|between two tall trees|under a pile of leaves".split("|")
WEATHERS = "sunny rainy windy cloudy foggy warm cool".split()
TRAITS = "kind brave curious cheerful gentle clever shy lively".split()
SAD = "sad worried upset unhappy gloomy".split()
GLAD = "happy glad thankful cheerful joyful".split()
NUMBERS = "zero one two three four five six seven eight nine ten".split()
JOBS = "a cold|a sore foot|a lot of work to do|a little brother to look after".split("|")


def count(number, noun):
    """`number` of `noun` in words: "one apple", "three cherries"."""
    return f"{NUMBERS[number]} {noun if number == 1 else PLURALS.get(noun, noun + 's')}"


def draw(rng):
    """Draws one world: the slots of every English template."""
    people = rng.sample(GIRLS + BOYS, 4)
    girl = people[0] in GIRLS
    slots = dict(zip(("hero", "friend", "third", "fourth"), people))
    slots.update(zip(("he", "his", "him", "He", "His", "child"),
                     ("she", "her", "her", "She", "Her", "girl") if girl else ("he", "his", "him", "He", "His", "boy")))
    first, third = rng.sample(OUTDOORS, 2)
    home, second = rng.sample([place for place in OUTDOORS + ANYWHERE if place not in (first, third)], 2)
    for i, place in enumerate((home, first, second, third)):
        preposition, name = place.split()
        slots.update({f"in{i}": f"{preposition} the {name}", f"to{i}": f"to the {name}", f"the{i}": f"the {name}"})
    adjective, helper = rng.choice(HELPERS).split("|")
    article = "an" if adjective[0] in "aeiou" else "a"
    fruit, picked = rng.choice(FRUITS), rng.randint(3, 9)
    given = rng.randint(1, picked - 1)
    slots.update(
        noun=rng.choice(NOUNS), colour=rng.choice(COLOURS), fruit=fruit, fruits=PLURALS.get(fruit, fruit + "s"),
        picked=count(picked, fruit), given=count(given, fruit), n_picked=NUMBERS[picked], n_given=NUMBERS[given],
        n_left=NUMBERS[picked - given], dish=rng.choice(DISHES), ingredient=rng.choice(INGREDIENTS),
        tool=rng.choice(TOOLS), baby=rng.choice(BABIES), stuck=rng.choice(STUCK), helper=helper,
        a_helper=f"{article} {adjective} {helper}", spot=rng.choice(SPOTS), weather=rng.choice(WEATHERS),
        trait=rng.choice(TRAITS), sad=rng.choice(SAD), glad=rng.choice(GLAD), reason=rng.choice(JOBS))
    return slots


OPENING = (
    "Once upon a time, there was a {trait} {child} named {hero}. {He} lived near {the0}.",
    "Once upon a time, there was a {child} named {hero}, who lived near {the0}. {He} was a {trait} {child}.",
    "Once upon a time, a {trait} {child} named {hero} lived in a small house near {the0}.",
    "Once upon a time, in a little house near {the0}, there lived a {trait} {child} called {hero}.",
    "There was once a {trait} {child} named {hero}, who lived near {the0}.",
    "Long ago, a {trait} {child} called {hero} lived near {the0}.",
)
MORNING = ("one {weather} morning,", "on a {weather} day,", "one {weather} afternoon,")
FRIENDS = (
    "From that day on, they were the best of friends.",
    "And that is how they became good friends.",
    "They talked and laughed until the stars came out.",
    "That night, everyone went to bed with a smile.",
    "{hero} never forgot that day.",
)
COMMON = (
    Question("who", ("Who is the story about?", "What is the name of the {child} in the story?"), "{hero}"),
    Question("where", ("Where did {hero} live?", "Where was the home of {hero}?"), "near {the0}"),
    Question("weather", ("What was the weather like?", "How was the weather that day?"), "{weather}"),
    Question("what", ("What kind of {child} was {hero}?",), "{trait}"),
)


def daytime(*endings):
    """Every ending behind every way to begin the day."""
    return tuple(f"{start} {ending}" for start in MORNING for ending in endings)


LOST = Plot("lost", "noun", "a {noun}", (
    (OPENING, (
        "{He} had a {colour} {noun} and loved it very much.",
        "{His} favourite thing in the world was a {colour} {noun}.",
        "{His} grandmother had made {him} a {colour} {noun}.",
    )),
    (daytime("{hero} went {to1} to play with the {noun}.", "{hero} took the {noun} and walked {to1}."), (
        "But when it was time to go home, the {noun} was gone!",
        "{He} ran and jumped and danced, but then {he} saw that the {noun} was not there any more.",
    ), (
        "{hero} felt very {sad}.", "{hero} was {sad} and began to cry.", "How {sad} {hero} was!",
    )),
    ((
        "First {he} looked {in2}, but the {noun} was not there.",
        "{He} looked {in2} first, but {he} found nothing.",
    ), (
        "Then {he} went {to3}, where {he} met {a_helper}.",
        "After that {he} walked {to3}. There {he} saw {a_helper}.",
    ), (
        "\"Why are you so {sad}?\" asked the {helper}. \"I have lost my {noun},\" said {hero}.",
        "\"Please help me! I cannot find my {colour} {noun},\" said {hero}.",
    ), (
        "\"I will help you,\" said the {helper}. It looked {spot} and pulled out the {noun}!",
        "The {helper} looked {spot}, and there it was: the {colour} {noun}!",
    )),
    ((
        "{hero} was so {glad} that {he} gave the {helper} {given}.",
        "\"Thank you!\" said {hero}, who was {glad} again, and gave the {helper} {given}.",
    ), FRIENDS + ("After that, {he} always took good care of {his} things.",)),
), COMMON + (
    Question("what", ("What did {hero} lose?", "What was lost?"), "a {colour} {noun}"),
    Question("colour", ("What colour was the {noun}?",), "{colour}"),
    Question("where", ("Where did {hero} go to play?", "Where did {hero} lose the {noun}?"), "{in1}"),
    Question("order", ("Where did {hero} look first?",), "{in2}"),
    Question("where", ("Where did {hero} meet the {helper}?", "Where was the {noun} found?"), "{in3}"),
    Question("who", ("Who found the {noun}?", "Who helped {hero}?"), "the {helper}"),
    Question("feeling", ("How did {hero} feel when the {noun} was gone?",), "{sad}"),
    Question("feeling", ("How did {hero} feel at the end?",), "{glad}"),
    Question("count", ("How many {fruits} did {hero} give the {helper}?",), "{n_given}"),
    Question("holder", ("Who has the {noun} at the end?", "Who has the {noun} now?"), "{hero}"),
))

SHARING = Plot("sharing", "fruit", "{fruits}", (
    (OPENING, daytime(
        "{hero} went {to1} with a {colour} basket to pick {fruits}.",
        "{hero} took a {colour} basket and walked {to1} to look for {fruits}.",
    ), ("{He} picked {picked} and put them into the basket.", "{He} found {picked} and put them into the basket.")),
    ((
        "On the way home, {he} met {friend} {in2}. {friend} looked {sad}.",
        "When {he} came {to2}, {friend} was sitting there and looked {sad}.",
    ), (
        "\"What is wrong?\" asked {hero}. \"I have nothing to eat, and I am so hungry,\" said {friend}.",
        "\"I am very hungry,\" said {friend}, \"and my basket is empty.\"",
    )),
    ((
        "\"Do not be {sad},\" said {hero}, and gave {friend} {given}.",
        "{hero} did not think for long and gave {friend} {given}.",
    ), (
        "Now {friend} was {glad} and wanted to give something back.",
        "{friend} was so {glad} that the two of them sang a song together.",
    ), (
        "{a_helper} heard them and came to carry the basket home.",
        "Just then {a_helper} came along and helped them to carry the basket home.",
    )),
    (("{hero} was tired, but {his} heart was warm.", "Sharing made the {fruits} taste even better."), FRIENDS),
), COMMON + (
    Question("what", ("What did {hero} pick?", "What was in the basket?"), "{fruits}"),
    Question("colour", ("What colour was the basket?",), "{colour}"),
    Question("where", ("Where did {hero} pick the {fruits}?",), "{in1}"),
    Question("where", ("Where did {hero} meet {friend}?",), "{in2}"),
    Question("who", ("Who was hungry?", "Who got {fruits} from {hero}?"), "{friend}"),
    Question("count", ("How many {fruits} did {hero} pick?",), "{n_picked}"),
    Question("count", ("How many {fruits} did {hero} give {friend}?",), "{n_given}"),
    Question("arithmetic", ("How many {fruits} did {hero} have left?", "How many {fruits} were left?"), "{n_left}"),
    Question("feeling", ("How did {friend} feel at first?",), "{sad}"),
    Question("feeling", ("How did {friend} feel in the end?",), "{glad}"),
    Question("who", ("Who carried the basket home?",), "the {helper}"),
))

RESCUE = Plot("rescue", "tool", "a {tool}", (
    (OPENING, daytime(
        "{hero} was walking {in1} when {he} heard a small cry.", "{hero} heard a strange sound {in1}.",
    ), ("It was a {baby}! It was {stuck} and looked {sad}.", "There was a little {baby}. It was {stuck} and felt {sad}.")),
    ((
        "{hero} tried to pull it out, but {he} was not strong enough.",
        "\"I will help you!\" said {hero}, but the {baby} did not move at all.",
    ), (
        "So {he} ran {to2} to ask {friend} for help.", "{He} ran {to2}, because {friend} was there.",
    ), (
        "{friend} had a {colour} {tool}. \"Let us take it with us,\" {friend} said.",
        "\"I have a {colour} {tool},\" said {friend}. \"Show me the way!\"",
    )),
    ((
        "They hurried back, and with the {tool} they got the {baby} out.",
        "Together they used the {tool}, and soon the {baby} was free.",
    ), (
        "The {baby} was {glad} and nuzzled the hand of {hero}.", "The {baby} jumped around them and was very {glad}.",
    ), (
        "{hero} took it {to3}, where its mother was waiting.", "Its mother was waiting {in3}, so {hero} carried it there.",
    )),
    (("\"Thank you, {friend}! I could not do it alone,\" said {hero}.", "\"Two are stronger than one,\" said {friend}."),
     FRIENDS),
), COMMON + (
    Question("what", ("Which animal needed help?", "What did {hero} find?"), "a {baby}"),
    Question("where", ("Where did {hero} hear the cry?", "Where was the {baby} stuck?"), "{in1}"),
    Question("where", ("Where was {friend}?", "Where did {hero} find {friend}?"), "{in2}"),
    Question("who", ("Who helped {hero}?", "Who had a {tool}?"), "{friend}"),
    Question("what", ("What did {friend} have?", "What did they use to free the {baby}?"), "a {colour} {tool}"),
    Question("colour", ("What colour was the {tool}?",), "{colour}"),
    Question("where", ("Where was the mother of the {baby}?", "Where did {hero} take the {baby} at the end?"), "{in3}"),
    Question("feeling", ("How did the {baby} feel at first?",), "{sad}"),
    Question("feeling", ("How did the {baby} feel when it was free?",), "{glad}"),
))

HIDING = Plot("hiding", "noun", "a {noun}", (
    (OPENING, daytime("{he} played hide and seek with {friend}, {third} and {fourth}.",
                      "{hero} and three friends, {friend}, {third} and {fourth}, played hide and seek."),
     ("The winner would get a {colour} {noun}.", "There was a prize: a {colour} {noun}.")),
    (("{hero} closed {his} eyes and counted to ten.", "{hero} stood by a tree and counted to ten."),
     ("{friend} hid {in1}, {third} hid {in2}, and {fourth} hid {in3}.",
      "{friend} ran {to1}, {third} ran {to2}, and {fourth} ran {to3}.")),
    (("{hero} found {third} first.", "The first one that {hero} found was {third}."),
     ("Then {he} found {friend}.", "After that, {he} found {friend}."),
     ("But nobody could find {fourth}! {hero} was {sad}, because it was getting dark.",
      "It was late, and {fourth} was still missing. {hero} felt {sad}.")),
    (("{a_helper} said, \"I know where to look! Come with me.\"", "Then {a_helper} came by and showed them the way."),
     ("At last they found {fourth}, fast asleep.", "There was {fourth}, who had fallen asleep.")),
    (("\"You win!\" said {hero}, and gave {fourth} the {noun}. {fourth} was very {glad}.",
      "{fourth} won the game, got the {noun} and felt {glad}."), FRIENDS),
), COMMON + (
    Question("where", ("Where did {friend} hide?", "Where was {friend} hiding?"), "{in1}"),
    Question("where", ("Where did {third} hide?", "Where was {third} hiding?"), "{in2}"),
    Question("where", ("Where did {fourth} hide?", "Where did they find {fourth}?"), "{in3}"),
    Question("order", ("Who was found first?",), "{third}"),
    Question("order", ("Who was found last?",), "{fourth}"),
    Question("holder", ("Who has the {noun} now?", "Who got the {noun}?"), "{fourth}"),
    Question("colour", ("What colour was the {noun}?",), "{colour}"),
    Question("who", ("Who showed them the way?", "Who helped {hero}?"), "the {helper}"),
    Question("feeling", ("How did {hero} feel when it was getting dark?",), "{sad}"),
    Question("feeling", ("How did {fourth} feel at the end?",), "{glad}"),
))

GIFT = Plot("gift", "noun", "a {noun}", (
    (OPENING, (
        "{He} had a good friend named {third}, who was ill and felt {sad}.",
        "{His} friend {third} was ill in bed and felt {sad}.",
    ), ("{hero} wanted to help, so {he} made a {colour} {noun} for {third}.",
        "So {hero} made a {colour} {noun} as a gift for {third}.")),
    (daytime("{he} set out with the gift, but {he} had {reason}.",
             "{hero} wanted to bring it to {third}, but {he} had {reason}."),
     ("So {he} went {to1} and gave the {noun} to {friend}.", "{He} met {friend} {in1} and gave {friend} the {noun}."),
     ("\"Please take it to {third},\" said {hero}. \"I will,\" said {friend}.",
      "\"Can you bring it to {third}?\" asked {hero}. \"Of course,\" said {friend}.")),
    (("On the way, {friend} got lost {in2}.", "But {in2}, {friend} did not know which way to go."),
     ("{a_helper} saw {friend} and said, \"Follow me!\"", "Luckily, {a_helper} knew the way and went ahead.")),
    (("At last {friend} came to a little house {in3}, found {third} there and handed over the {noun}.",
      "{third} lay in bed in a little house {in3}, and {friend} gave {third} the {noun}."),
     ("{third} was so {glad} that the illness was soon over.", "Now {third} was {glad} and felt better at once."),
     FRIENDS),
), COMMON + (
    Question("who", ("Who was ill?", "Who was the {noun} made for?"), "{third}"),
    Question("who", ("Who made the {noun}?",), "{hero}"),
    Question("colour", ("What colour was the {noun}?",), "{colour}"),
    Question("what", ("What did {hero} make?", "What was the gift?"), "a {colour} {noun}"),
    Question("where", ("Where did {hero} give {friend} the {noun}?",), "{in1}"),
    Question("where", ("Where did {friend} get lost?",), "{in2}"),
    Question("where", ("Where did {third} get the {noun}?", "Where is the {noun} now?"), "{in3}"),
    Question("holder", ("Who has the {noun} now?", "Who has the {noun} at the end?"), "{third}"),
    Question("who", ("Who showed {friend} the way?",), "the {helper}"),
    Question("feeling", ("How did {third} feel at first?",), "{sad}"),
    Question("feeling", ("How did {third} feel at the end?",), "{glad}"),
))

QUARREL = Plot("quarrel", "noun", "a {noun}", (
    (OPENING, daytime("{hero} and {friend} were playing {in1}.", "{hero} went {to1} with {friend}."),
     ("Suddenly they found a {colour} {noun} {spot}.", "There they saw a {colour} {noun} {spot}.")),
    (("\"It is mine!\" said {hero}. \"No, I saw it first!\" said {friend}.",
      "{hero} wanted to keep it, and {friend} wanted to keep it too."),
     ("They shouted at each other, and soon both were {sad}.", "They quarrelled until both of them were {sad}.")),
    (("{a_helper} heard them and asked, \"Does the {noun} belong to one of you?\"",
      "Then {a_helper} came and said, \"Think well. Whose {noun} is it?\""),
     ("They thought about it. {third} had lost a {noun} the day before!",
      "Then they remembered that {third} had been looking for a {noun}."),
     ("So they went {to2} and gave the {noun} to {third}.", "They found {third} {in2} and gave the {noun} back.")),
    (("{third} was {glad} and gave them {given} to share.", "\"You are so kind!\" said {third}, who was {glad}, and gave them {given}."),
     ("{hero} and {friend} said sorry to each other.", "\"I am sorry,\" said {hero}. \"So am I,\" said {friend}."), FRIENDS),
), COMMON + (
    Question("who", ("Who was playing with {hero}?", "Who quarrelled with {hero}?"), "{friend}"),
    Question("where", ("Where did they find the {noun}?", "Where were {hero} and {friend} playing?"), "{in1}"),
    Question("what", ("What did they find?", "What did {hero} want to keep?"), "a {colour} {noun}"),
    Question("colour", ("What colour was the {noun}?",), "{colour}"),
    Question("who", ("Who had lost the {noun}?", "Whose {noun} was it?"), "{third}"),
    Question("holder", ("Who has the {noun} now?", "Who has the {noun} at the end?"), "{third}"),
    Question("where", ("Where was {third}?", "Where did they give the {noun} back?"), "{in2}"),
    Question("feeling", ("How did they feel after the quarrel?",), "{sad}"),
    Question("feeling", ("How did {third} feel?",), "{glad}"),
    Question("count", ("How many {fruits} did {third} give them?",), "{n_given}"),
    Question("who", ("Who heard them?", "Which animal came to them?"), "the {helper}"),
))

COOKING = Plot("cooking", "dish", "{dish}", (
    (OPENING, daytime("{hero} wanted to make {dish} for the birthday of {friend}.",
                      "{he} wanted to surprise {friend} with {dish}."),
     ("But there was no {ingredient} in the kitchen, and {hero} was {sad}.",
      "But {he} had no {ingredient} at all. {hero} felt {sad}.")),
    (("First {he} went {to1} and asked {third}, but {third} had no {ingredient} either.",
      "{He} asked {third} {in1} first. \"I am sorry, I have none,\" said {third}."),
     ("Then {he} went {to2} and asked {fourth}.", "After that, {he} walked {to2}, where {fourth} was working."),
     ("\"Here is some {ingredient} in a {colour} bag,\" said {fourth}.",
      "{fourth} smiled and gave {him} a {colour} bag of {ingredient}.")),
    (("{hero} ran home and cooked all day.", "{He} thanked {fourth}, ran home and began to cook."),
     ("In the evening, they all sat down {in3} and ate the {dish}.", "At sunset, all the friends met {in3} to eat the {dish}."),
     ("{friend} was very {glad}.", "\"It is wonderful!\" said {friend}, who felt {glad}."), FRIENDS),
), COMMON + (
    Question("what", ("What did {hero} want to make?", "What did they eat?"), "{dish}"),
    Question("what", ("What was missing in the kitchen?", "What did {hero} need?"), "{ingredient}"),
    Question("who", ("Whose birthday was it?", "Who was the {dish} for?"), "{friend}"),
    Question("order", ("Who did {hero} ask first?",), "{third}"),
    Question("order", ("Where did {hero} go first?",), "{in1}"),
    Question("who", ("Who gave {hero} the {ingredient}?", "Who had some {ingredient}?"), "{fourth}"),
    Question("where", ("Where was {fourth}?", "Where did {hero} get the {ingredient}?"), "{in2}"),
    Question("where", ("Where did they eat?",), "{in3}"),
    Question("colour", ("What colour was the bag?",), "{colour}"),
    Question("feeling", ("How did {hero} feel at first?",), "{sad}"),
    Question("feeling", ("How did {friend} feel at the end?",), "{glad}"),
))

FACTS = (
    ("{hero} is {in1}.", (Question("where", ("Where is {hero}?",), "{in1}"), Question("who", ("Who is {in1}?",), "{hero}"))),
    ("{hero} has a {colour} {noun}.", (
        Question("what", ("What does {hero} have?",), "a {colour} {noun}"),
        Question("holder", ("Who has the {noun}?", "Who has a {noun}?"), "{hero}"),
        Question("colour", ("What colour is the {noun}?",), "{colour}"))),
    ("{hero} is a {trait} {child} and lives near {the1}.", (
        Question("what", ("What kind of {child} is {hero}?",), "{trait}"),
        Question("where", ("Where does {hero} live?",), "near {the1}"),
        Question("who", ("Who lives near {the1}?",), "{hero}"))),
    ("{hero} has {picked} and gives {friend} {given}.", (
        Question("count", ("How many {fruits} does {hero} give {friend}?",), "{n_given}"),
        Question("arithmetic", ("How many {fruits} does {hero} have left?",), "{n_left}"),
        Question("who", ("Who gets {fruits} from {hero}?",), "{friend}"))),
    ("{hero} was {sad}, but now {hero} is {glad}.", (
        Question("feeling", ("How does {hero} feel now?",), "{glad}"),
        Question("feeling", ("How did {hero} feel at first?",), "{sad}"))),
)

ENGLISH = Language(
    name="en", joiner=" ", finish=".", question_label="Question:", answer_label="Answer:", draw=draw,
    plots=(LOST, SHARING, RESCUE, HIDING, GIFT, QUARREL, COOKING), facts=FACTS,
    requests=(
        "Tell me a story.", "Please tell me a story.", "Tell me a story about {hero}.",
        "Tell me a story about a {child} named {hero}.", "Please tell me a story about {hero} and {the1}.",
        "Tell me a story about {hero} and {topic}.",
        "Tell me a story about {topic}.", "I would like to hear a story about {hero} on a {weather} day.",
    ),
    greetings=(
        ("Hello!", "Hello! Would you like to hear a story?"), ("Hi!", "Hello! Would you like to hear a story?"),
        ("Who are you?", "I am a very small model that tells stories."),
        ("What can you do?", "I can tell stories and answer questions about them."),
    ),
)
