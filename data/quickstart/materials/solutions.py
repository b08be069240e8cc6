# ruff: noqa: B905 - the answers are code as a beginner reads it
"""Short, correct answers to the hand-chosen programming tasks; `code_functions.json` holds what is said about each."""


def count_vowels(text):
    return sum(1 for letter in text.lower() if letter in "aeiou")


def is_palindrome(phrase):
    letters = [c.lower() for c in phrase if c.isalnum()]
    return letters == letters[::-1]


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def is_prime(n):
    if n < 2:
        return False
    return all(n % d for d in range(2, int(n**0.5) + 1))


def fibonacci(count):
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:count]


def reverse_words(sentence):
    return " ".join(reversed(sentence.split()))


def are_anagrams(first, second):
    return sorted(first.lower()) == sorted(second.lower())


def flatten(rows):
    return [value for row in rows for value in row]


def chunk(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def rotate_left(items, steps):
    if not items:
        return []
    cut = steps % len(items)
    return items[cut:] + items[:cut]


def keep_first(items):
    seen = set()
    return [x for x in items if not (x in seen or seen.add(x))]


def transpose(matrix):
    return [list(column) for column in zip(*matrix)]


def caesar(word, shift):
    return "".join(chr((ord(c) - 97 + shift) % 26 + 97) for c in word)


def digit_sum(number):
    return sum(int(digit) for digit in str(abs(number)))


def factorial(n):
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return product


def to_binary(n):
    bits = ""
    while n:
        bits = str(n % 2) + bits
        n //= 2
    return bits or "0"


def second_largest(values):
    return sorted(set(values))[-2]


def longest_word(line):
    return max(line.split(), key=len)


def letter_counts(word):
    counts = {}
    for letter in word:
        counts[letter] = counts.get(letter, 0) + 1
    return counts


def running_total(numbers):
    totals, current = [], 0
    for number in numbers:
        current += number
        totals.append(current)
    return totals


def celsius_to_fahrenheit(degrees):
    return degrees * 9 / 5 + 32


def is_leap_year(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def fizz_buzz(limit):
    words = []
    for i in range(1, limit + 1):
        words.append("Fizz" * (i % 3 == 0) + "Buzz" * (i % 5 == 0) or str(i))
    return words


def binary_search(ordered, target):
    low, high = 0, len(ordered) - 1
    while low <= high:
        middle = (low + high) // 2
        if ordered[middle] == target:
            return middle
        if ordered[middle] < target:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def bubble_sort(values):
    values = list(values)
    for end in range(len(values), 1, -1):
        for i in range(end - 1):
            if values[i] > values[i + 1]:
                values[i], values[i + 1] = values[i + 1], values[i]
    return values


def merge_sorted(left, right):
    merged = []
    while left and right:
        source = left if left[0] <= right[0] else right
        merged.append(source[0])
        if source is left:
            left = left[1:]
        else:
            right = right[1:]
    return merged + left + right


def initials(full_name):
    return "".join(part[0].upper() for part in full_name.split())


def snake_case(title):
    return "_".join(title.lower().split())


def missing_number(numbers):
    n = len(numbers) + 1
    return n * (n + 1) // 2 - sum(numbers)


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def balanced(brackets):
    depth = 0
    for sign in brackets:
        depth += 1 if sign == "(" else -1
        if depth < 0:
            return False
    return depth == 0


def roman_to_int(roman):
    worth = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    total = 0
    for here, after in zip(roman, roman[1:] + roman[-1]):
        total += -worth[here] if worth[here] < worth[after] else worth[here]
    return total


def divisors(number):
    return [d for d in range(1, number + 1) if number % d == 0]


def clamp(value, low, high):
    return max(low, min(value, high))


def swap_keys(mapping):
    return {value: key for key, value in mapping.items()}


def pairs_with_sum(numbers, goal):
    found = []
    for i, a in enumerate(numbers):
        for b in numbers[i + 1 :]:
            if a + b == goal:
                found.append((a, b))
    return found


def run_lengths(text):
    runs = []
    for sign in text:
        if runs and runs[-1][0] == sign:
            runs[-1][1] += 1
        else:
            runs.append([sign, 1])
    return runs


def dot_product(u, v):
    return sum(x * y for x, y in zip(u, v))


def minutes_to_clock(minutes):
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def power_of_two(n):
    return n > 0 and n & (n - 1) == 0


def hamming(a, b):
    return sum(x != y for x, y in zip(a, b))


def common_prefix(words):
    prefix = words[0]
    while not all(w.startswith(prefix) for w in words):
        prefix = prefix[:-1]
    return prefix


def title_case(sentence):
    return " ".join(word.capitalize() for word in sentence.split())


def collatz_steps(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def triangle_kind(a, b, c):
    return {1: "equilateral", 2: "isosceles", 3: "scalene"}[len({a, b, c})]


def price_with_tax(price, percent):
    return round(price * (1 + percent / 100), 2)


def mask_middle(word):
    return word[0] + "*" * (len(word) - 2) + word[-1]


def every_other(items):
    return items[::2]


def largest_gap(numbers):
    return max(b - a for a, b in zip(numbers, numbers[1:]))


def interleave(first, second):
    return [x for pair in zip(first, second) for x in pair]
