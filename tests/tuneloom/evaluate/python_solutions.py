"""A right answer to each of the shipped programming problems."""
# ruff: noqa

from collections import Counter
import calendar, math, re, statistics


def count_vowels(text):
    return sum(char in "aeiou" for char in text.lower())


def second_largest(numbers):
    values = sorted(set(numbers))
    return values[-2] if len(values) > 1 else None


def is_leap_year(year):
    return calendar.isleap(year)


def merge_sorted(a, b):
    return sorted(a + b)


def run_lengths(text):
    runs = []
    for char in text:
        if runs and runs[-1][0] == char:
            runs[-1] = (char, runs[-1][1] + 1)
        else:
            runs.append((char, 1))
    return runs


def to_roman(number):
    signs = zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "M CM D CD C XC L XL X IX V IV I".split())
    out = ""
    for value, sign in signs:
        out += sign * (number // value)
        number %= value
    return out


def balanced(text):
    open_, pairs = [], {")": "(", "]": "[", "}": "{"}
    for char in text:
        if char in pairs.values():
            open_.append(char)
        elif char in pairs and (not open_ or open_.pop() != pairs[char]):
            return False
    return not open_


def group_by_length(words):
    groups = {}
    for word in words:
        groups.setdefault(len(word), []).append(word)
    return groups


def digit_sum(number):
    return sum(map(int, str(abs(number))))


def transpose(rows):
    return [list(column) for column in zip(*rows)]


def is_anagram(a, b):
    return Counter(a.lower().replace(" ", "")) == Counter(b.lower().replace(" ", ""))


def primes_below(limit):
    return [n for n in range(2, limit) if all(n % d for d in range(2, math.isqrt(n) + 1))]


def flatten(values):
    return [item for value in values for item in (flatten(value) if isinstance(value, list) else [value])]


def rotate(values, steps):
    cut = -(steps % len(values)) if values else 0
    return values[cut:] + values[:cut] if cut else list(values)


def word_counts(text):
    return dict(Counter(text.lower().split()))


def collatz_steps(number):
    steps = 0
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        steps += 1
    return steps


def chunks(values, size):
    return [values[i : i + size] for i in range(0, len(values), size)]


def longest_common_prefix(words):
    if not words:
        return ""
    first, last = min(words), max(words)
    n = 0
    while n < min(len(first), len(last)) and first[n] == last[n]:
        n += 1
    return first[:n]


def binary_search(values, wanted):
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(values) and values[low] == wanted else -1


def running_mean(numbers):
    return [sum(numbers[:n]) / n for n in range(1, len(numbers) + 1)]


def reverse_words(text):
    return " ".join(reversed(text.split()))


def gcd_of_all(numbers):
    return math.gcd(*numbers)


def remove_duplicates(values):
    return list(dict.fromkeys(values))


def count_chinese(text):
    return sum("\u4e00" <= char <= "\u9fff" for char in text)


def fibonacci(count):
    numbers, a, b = [], 0, 1
    for _ in range(count):
        numbers.append(a)
        a, b = b, a + b
    return numbers


def is_palindrome(text):
    kept = [char for char in text.lower() if char.isalnum()]
    return kept == kept[::-1]


def to_binary(number):
    return f"{number:b}"


def max_subarray(numbers):
    best = here = numbers[0]
    for number in numbers[1:]:
        here = max(number, here + number)
        best = max(best, here)
    return best


def factorial(n):
    if n < 0:
        raise ValueError(n)
    return math.prod(range(1, n + 1))


def caesar(text, shift):
    def moved(char):
        if not ("a" <= char.lower() <= "z"):
            return char
        first = ord("a") if char.islower() else ord("A")
        return chr((ord(char) - first + shift) % 26 + first)

    return "".join(map(moved, text))


def common_elements(a, b):
    return sorted(set(a) & set(b))


def days_in_month(year, month):
    return calendar.monthrange(year, month)[1]


def invert(mapping):
    turned = {}
    for key, value in mapping.items():
        turned.setdefault(value, []).append(key)
    return turned


def median(numbers):
    return statistics.median(numbers)


def title_case(text):
    return " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" "))


def pairs_with_sum(numbers, total):
    return sum(a + b == total for i, a in enumerate(numbers) for b in numbers[:i])


def compress_spaces(text):
    return re.sub(r"\s+", " ", text).strip()


def matrix_product(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def parse_time(text):
    seconds = 0
    for part in text.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


def top_words(text, count):
    counts = Counter(text.split())
    return sorted(counts, key=lambda word: (-counts[word], word))[:count]
