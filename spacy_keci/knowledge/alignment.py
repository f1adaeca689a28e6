"""How the characters of a short form are found in a long form."""

from collections.abc import Sequence
from typing import NamedTuple

# What a character costs by where it stands. At the beginning of a word nothing; in a part of one after a hyphen, or
# right after the character before it, next to nothing; within a word one, and more if it is the first in that word.
_PART, _NEXT, _INSIDE, _FIRST_INSIDE = 0.05, 0.1, 1.0, 2.5
# What a word costs that has no character of the short form; words without meaning of their own may be left over
_SKIPPED, _LEFT_AT_END = 0.6, 2.0
_FUNCTION_WORDS = frozenset(
    "a an and as at by for from in into of on or per the to type via with like subunit containing dependent".split()  # noqa: SIM905
)
# The most that an alignment may cost a character, by whether the long form is one word
_ONE_WORD, _SEVERAL_WORDS = 0.75, 0.55
_CERTAIN = 0.15
_NEVER = float("inf")


class Alignment(NamedTuple):
    """start: position of the token with the first character. cost: 0 if every character begins a word. n_words: words
    of the long form."""

    start: int
    cost: float
    n_words: int
    is_certain: bool


def align(short: str, tokens: Sequence[str], is_glued: Sequence[bool], *, whole: bool = False) -> Alignment | None:
    """The cheapest alignment of the letters and digits of a short form to a text that ends with the long form.

    tokens: the text. is_glued: whether each token follows the one before it without white space. whole: whether the
    first character of the short form must begin the first word. Returns None if there is none, or it costs too much.
    """
    characters = [c for c in short.lower() if c.isalnum()]
    places = _Places(tokens, is_glued)
    if len(characters) < 2 or not places.characters or not _is_subsequence(characters, places.characters):
        return None
    costs, starts = _first(characters[0], places, whole)
    for character in characters[1:]:
        costs, starts = _advance(character, places, costs, starts)
    best, start = _NEVER, -1
    for k, cost in enumerate(costs):
        total = cost + _LEFT_AT_END * (places.n_content[-1] - places.n_content[places.word[k]])
        if total <= best:  # of equals the shortest
            best, start = total, starts[k]
    if best == _NEVER:
        return None
    n_words = places.word[-1] - places.word[start] + 1
    n_letters = len("".join(tokens[places.token[start] :]))
    limit = (_ONE_WORD if n_words == 1 else _SEVERAL_WORDS) * len(characters)
    if best > limit or n_letters <= len(characters) + 1:
        return None
    return Alignment(places.token[start], best, n_words, best <= _CERTAIN * len(characters))


class _Places:
    """The letters and digits of a text. For each: its token, its word (tokens without white space between), and what it
    costs to stand there by itself. n_content: of each word, how many up to it have a meaning of their own."""

    def __init__(self, tokens: Sequence[str], is_glued: Sequence[bool]) -> None:
        self.characters: list[str] = []
        self.token: list[int] = []
        self.word: list[int] = []
        self.cost: list[float] = []
        words: list[str] = []
        for t, (token, glued) in enumerate(zip(tokens, is_glued, strict=True)):
            if not words or not (glued and t):
                words.append("")
            lowered = token.lower()
            words[-1] += lowered
            for i, c in enumerate(lowered):
                if not c.isalnum():
                    continue
                is_first = i == 0 or not lowered[i - 1].isalnum() or c.isdigit() != lowered[i - 1].isdigit()
                begins_word = is_first and (not self.word or self.word[-1] != len(words) - 1)
                self.characters.append(c)
                self.token.append(t)
                self.word.append(len(words) - 1)
                self.cost.append(0.0 if begins_word else _PART if is_first else _INSIDE)
        self.n_content: list[int] = []
        for word in words:
            is_content = any(c.isalnum() for c in word) and word.strip(".,;:()[]-") not in _FUNCTION_WORDS
            self.n_content.append((self.n_content[-1] if self.n_content else 0) + is_content)


def _is_subsequence(characters: Sequence[str], text: Sequence[str]) -> bool:
    rest = iter(text)
    return all(c in rest for c in characters)


def _first(character: str, places: _Places, whole: bool) -> tuple[list[float], list[int]]:
    """Costs of the first character at each place, where it begins a token, or of the first word (``whole``)."""
    costs, starts = [_NEVER] * len(places.characters), list(range(len(places.characters)))
    for k, c in enumerate(places.characters):
        if whole and places.word[k] > places.word[0]:
            break
        begins_token = k == 0 or places.token[k - 1] != places.token[k]
        if c == character and begins_token and (not whole or places.token[k] == places.token[0]):
            costs[k] = places.cost[k]
    return costs, starts


def _advance(character: str, places: _Places, costs: list[float], starts: list[int]) -> tuple[list[float], list[int]]:
    """Least costs with the next character at each place, and where the first one is then."""
    new_costs, new_starts = [_NEVER] * len(costs), [-1] * len(costs)
    # the cheapest place so far in earlier words, as if all words up to there were passed over; and in this word
    earlier, earlier_start = _NEVER, -1
    here, here_start = _NEVER, -1
    word = -1
    for k, c in enumerate(places.characters):
        if places.word[k] != word:
            if word >= 0 and here - _SKIPPED * places.n_content[word] <= earlier:
                earlier, earlier_start = here - _SKIPPED * places.n_content[word], here_start
            here, here_start, word = _NEVER, -1, places.word[k]
        if c == character:
            passed = _SKIPPED * places.n_content[word - 1] if word else 0.0
            enters = _FIRST_INSIDE if places.cost[k] == _INSIDE else places.cost[k]
            cost, start = min((earlier + passed + enters, -earlier_start), (here + places.cost[k], -here_start))
            if k and costs[k - 1] + _NEXT < cost and places.word[k - 1] == word:
                cost, start = costs[k - 1] + _NEXT, -starts[k - 1]
            if cost < _NEVER:
                new_costs[k], new_starts[k] = cost, -start
        if costs[k] <= here:
            here, here_start = costs[k], starts[k]
    return new_costs, new_starts
