#!/usr/bin/env python3
"""Writes the synthetic corpus beside this file: {train,valid,test}.{src,tgt}.

A small artificial language pair. The target language has words of its own, three genders with which determiners and
adjectives agree, adjectives behind their noun, the object before the verb, and the verb, which shows the number of its
subject, at the end. Some nouns and verbs have two translations, of which one is taken at random: no policy reaches
100 %, and sampled candidates differ in reward.
"""

import pathlib

SIZES = {"train": 4000, "valid": 200, "test": 200}
SECOND_TRANSLATION = 0.3  # probability of the rarer translation, where there are two

NOUNS = """dog cat bird horse farmer teacher child doctor sailor king queen soldier painter baker stone river house
garden window door table boat letter book song apple bread lamp mirror bridge tower forest mountain field market
village street wheel knife basket coat hat ring coin""".split()
ADJECTIVES = """old young small big red blue green white black happy sad brave tired heavy bright dark quiet strange
warm cold""".split()
TRANSITIVE = """sees finds takes loves hates carries paints buys sells breaks hides follows watches draws builds
cleans""".split()
INTRANSITIVE = "sleeps waits laughs works walks sings falls dances".split()
ADVERBS = "today slowly often never again quickly gladly alone".split()
PREPOSITIONS = "near behind under without before beside".split()
DETERMINERS = {"the": "el", "a": "un", "this": "tis", "every": "om", "my": "me", "their": "lor"}
PLURAL_DETERMINERS = {"the": "el", "some": "sok", "these": "tis", "my": "me", "their": "lor", "many": "mul"}
GENDER_ENDING = {"m": "o", "f": "a", "n": "u"}


class Random:
    """A linear congruential generator (Knuth's MMIX): the same numbers in every Python."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) / 2**53

    def choose(self, items):
        return items[int(self.uniform() * len(items))]


def make_words(random, count, syllables, taken):
    words = []
    while len(words) < count:
        word = "".join(random.choose("ptkbdgmnlrsvfz") + random.choose("aeiou") for _ in range(syllables))
        word += random.choose("lnrskm")
        if word not in taken:
            taken.add(word)
            words.append(word)
    return words


class Lexicon:
    def __init__(self, random):
        taken = set()

        def translations(words, syllables, share_with_two):
            return {w: make_words(random, 1 + (random.uniform() < share_with_two), syllables, taken) for w in words}

        self.nouns = translations(NOUNS, 2, 0.3)
        self.gender = {noun: random.choose("mfn") for noun in NOUNS}
        self.adjectives = translations(ADJECTIVES, 1, 0.0)
        self.verbs = translations(TRANSITIVE + INTRANSITIVE, 2, 0.3)
        self.adverbs = translations(ADVERBS, 2, 0.0)
        self.prepositions = translations(PREPOSITIONS, 1, 0.0)


def translate(random, translations):
    second = len(translations) > 1 and random.uniform() < SECOND_TRANSLATION
    return translations[1 if second else 0]


def noun_phrase(random, lexicon):
    """Words of both languages and whether it is plural."""
    plural = random.uniform() < 0.35
    noun = random.choose(NOUNS)
    determiners = PLURAL_DETERMINERS if plural else DETERMINERS
    determiner = random.choose(list(determiners))
    ending = GENDER_ENDING[lexicon.gender[noun]] + ("s" if plural else "")
    source = [determiner, noun_form(noun, plural)]
    target = [determiners[determiner] + ending, translate(random, lexicon.nouns[noun]) + ("i" if plural else "")]
    if random.uniform() < 0.45:
        adjective = random.choose(ADJECTIVES)
        source.insert(1, adjective)
        target.append(translate(random, lexicon.adjectives[adjective]) + ending)
    return source, target, plural


def noun_form(noun, plural):
    if not plural:
        return noun
    irregular = {"child": "children", "knife": "knives"}
    return irregular.get(noun, noun + ("es" if noun.endswith(("x", "s", "ch")) else "s"))


def verb_form(verb, plural):
    if not plural:
        return verb
    irregular = {"carries": "carry", "watches": "watch"}
    return irregular.get(verb, verb[:-1])


def sentence(random, lexicon):
    subject, target, plural = noun_phrase(random, lexicon)
    transitive = random.uniform() < 0.65
    verb = random.choose(TRANSITIVE if transitive else INTRANSITIVE)
    source = subject + [verb_form(verb, plural)]
    object_target = []
    if transitive:
        object_source, object_target, _ = noun_phrase(random, lexicon)
        source += object_source
    if random.uniform() < 0.4:
        preposition = random.choose(PREPOSITIONS)
        place_source, place_target, _ = noun_phrase(random, lexicon)
        source += [preposition] + place_source
        target += lexicon.prepositions[preposition] + place_target
    if random.uniform() < 0.4:
        adverb = random.choose(ADVERBS)
        source.append(adverb)
        target += lexicon.adverbs[adverb]
    target += object_target + [translate(random, lexicon.verbs[verb]) + ("en" if plural else "e")]
    return source, target


def main():
    random = Random(20230817)
    lexicon = Lexicon(random)
    seen = set()
    folder = pathlib.Path(__file__).parent
    for name, size in SIZES.items():
        pairs = []
        while len(pairs) < size:
            source, target = sentence(random, lexicon)
            line = " ".join(source) + "."
            if 4 <= len(source) <= 10 and line not in seen:
                seen.add(line)
                pairs.append((line, " ".join(target) + "."))
        for side, suffix in enumerate(("src", "tgt")):
            with open(folder / f"{name}.{suffix}", "w", encoding="utf-8", newline="\n") as out:
                out.writelines(pair[side] + "\n" for pair in pairs)


if __name__ == "__main__":
    main()
