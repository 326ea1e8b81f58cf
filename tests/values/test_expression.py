from __future__ import annotations

import math
import random
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import SkillError, ValueReadError
from otto.values import TYPES, Expression, Limits, evaluate
from tests import processor
from tests.conftest import NOW

EXPRESSION = TYPES["expression"]

SAID = {
    "nine times nine": ("9*9", 81),
    "what's 7 x 8": ("7*8", 56),
    "what is two plus two equals": ("2+2", 4),
    "calculate 12 times 12 please": ("12*12", 144),
    "6 times 7 is": ("6*7", 42),
    "5-3": ("5-3", 2),
    "what is 5 - 3": ("5-3", 2),
    "twenty-three plus four": ("23+4", 27),
    "five minus minus three": ("5--3", 8),
    "12 divided by 4 plus 3": ("12/4+3", 6),
    "12 over 4": ("12/4", 3),
    "6×7": ("6*7", 42),
    "10÷4": ("10/4", 2.5),
    "the square root of sixteen": ("sqrt(16)", 4),
    "square root of 16 times 4": ("sqrt(16)*4", 16),
    "root of two plus two": ("sqrt(2)+2", 2 + math.sqrt(2)),
    "cube root of 27": ("27**(1/3)", 3),
    "two to the power of ten": ("2**10", 1024),
    "two to the tenth": ("2**10", 1024),
    "two to the fifth power": ("2**5", 32),
    "2^8": ("2**8", 256),
    "five squared": ("5**2", 25),
    "3²": ("3**2", 9),
    "four cubed": ("4**3", 64),
    "ten percent of 250": ("10/100*250", 25),
    "10% of 250": ("10/100*250", 25),
    "200 plus 10 percent": ("200*(1+10/100)", 220),
    "80 minus 25%": ("80*(1-25/100)", 60),
    "20 percent off 50": ("50*(1-20/100)", 40),
    "50%": ("50/100", 0.5),
    "half of nine": ("0.5*9", 4.5),
    "a third of 60": ("1/3*60", 20),
    "three quarters of 80": ("0.75*80", 60),
    "double 15": ("2*15", 30),
    "twice 8 plus 1": ("2*8+1", 17),
    "three point one four times two": ("3.14*2", 6.28),
    "point five times two": ("0.5*2", 1),
    "two and a half times four": ("2.5*4", 10),
    "a hundred and five times two": ("105*2", 210),
    "1,000 + 1": ("1000+1", 1001),
    "the sum of 3 and 4": ("3+4", 7),
    "the difference between 9 and 4": ("9-4", 5),
    "the product of 6 and 7": ("6*7", 42),
    "add 5 and 7": ("5+7", 12),
    "subtract 5 from 12": ("12-5", 7),
    "multiply 6 by 7": ("6*7", 42),
    "divide 100 by 4": ("100/4", 25),
    "17 mod 5": ("17%5", 2),
    "the remainder of 17 divided by 5": ("17%5", 2),
    "five factorial": ("factorial(5)", 120),
    "5!": ("factorial(5)", 120),
    "factorial of five": ("factorial(5)", 120),
    "log of 1000": ("log(1000)", 3),
    "log base 2 of 8": ("log(8)/log(2)", 3),
    "natural log of e": ("log(e)/log(e)", 1),
    "sine of ninety degrees": ("sin(90*pi/180)", 1),
    "cosine of zero": ("cos(0)", 1),
    "pi times five squared": ("pi*5**2", 25 * math.pi),
    "two pi": ("2*pi", 2 * math.pi),
    "2(3+4)": ("2*(3+4)", 14),
    "open parenthesis 2 plus 3 close parenthesis times 4": ("(2+3)*4", 20),
    "((((((2))))))": ("2", 2),
    "7//2": ("7//2", 3),
    "-7//2": ("-7//2", -4),
    "-2**2": ("-2**2", -4),
    "(-2)**2": ("(-2)**2", 4),
    "2**3**2": ("2**3**2", 512),
    "(2**3)**2": ("(2**3)**2", 64),
    "2**-1": ("2**-1", 0.5),
    "0.1+0.2": ("0.1+0.2", 0.3),
    "1/3+1/3+1/3": ("1/3+1/3+1/3", 1),
    "round(2.5)": ("round(2.5)", 3),
    "abs(-4)": ("abs(-4)", 4),
    "42": ("42", 42),
    "take eight away from twenty": ("20-8", 12),
    "take 8 from 20": ("20-8", 12),
    "take away 3 from 10": ("10-3", 7),
    "10 take away 3": ("10-3", 7),
    "10 subtract 3": ("10-3", 7),
    "5 add 3": ("5+3", 8),
    "8 divide by 2": ("8/2", 4),
    "square fourteen": ("14**2", 196),
    "the square of 5": ("5**2", 25),
    "square minus three": ("(-3)**2", 9),
    "the square root of 49": ("sqrt(49)", 7),
    "the cube of four": ("4**3", 64),
    "cube 3": ("3**3", 27),
    "add 22 and 33": ("22+33", 55),
    "add 1, 2 and 3": ("1+2+3", 6),
    "the sum of 3 4 and 5": ("3+4+5", 12),
    "the product of 2 and 3 and 4": ("2*3*4", 24),
    "the product of the sum of 3 and 4 and 5": ("(3+4)*5", 35),
    "the average of 3 4 and 5": ("(3+4+5)/3", 4),
    "the average of three and five": ("(3+5)/2", 4),
    "to plus to": ("2+2", 4),
    "too plus for": ("2+4", 6),
    "six times sicks": ("6*6", 36),
    "for plus for": ("4+4", 8),
    "what is ate divided by too": ("8/2", 4),
    "won plus won": ("1+1", 2),
    "to to the power of for": ("2**4", 16),
    "add for to too": ("4+2", 6),
    "half of ate": ("0.5*8", 4),
}


@pytest.mark.parametrize(("words", "canonical", "value"), [(words, *rest) for words, rest in SAID.items()])
def test_reads_arithmetic_as_people_say_it(words: str, canonical: str, value: float, now: datetime) -> None:
    expression = EXPRESSION.read(words, Limits(), now)
    assert expression == canonical
    assert evaluate(expression) == pytest.approx(value, rel=1e-12)


BREAK_OUTS = [
    "__import__('os').system('id')", "import os", "os.system('id')", "open('/etc/passwd').read()", "().__class__",
    "(1).__class__.__mro__[1].__subclasses__()", "''.__class__", "__builtins__", "globals()", "locals()", "vars()",
    "dir()",
    "getattr(1, 'real')", "(1).real", "1 .real", "1.real", "x.y", "pi.real", "sqrt.__globals__", "e.__doc__",
    "[x for x in (1,2,3)]", "[1,2,3]", "{1:2}", "{1,2}", "(1,2)", "sum(i for i in range(10**9))", "lambda: 1",
    "(lambda x: x)(1)", "eval('1')", "exec('1')", "compile('1','','eval')", "print(1)", "input()", "exit()", "f'{1}'",
    "'0'*10**9", "\"a\"*9", "'a'+'b'", "b'0'*99", "1<<100000000", "1>>1", "1|2", "1&2", "~1", "1^^2", "1 if 1 else 2",
    "1 and 2", "1 or 2", "not 1", "1 == 1", "1 < 2", "x = 1", "x := 1", "1; 2", "1\n2", "# 1", "0xff", "0b1",
    "1_000_000",
    "1j", "1e309", "None", "True", "...", "range(9)", "sqrt(1,2)", "sqrt()", "sqrt", "pow(2,3)", "max(1,2)", "chr(65)",
    "\\x31", "%s", "{}", "$(id)", "`id`", "; rm -rf /", "| id", "١+", "(" * 5000 + "1" + ")" * 5000,
    "(" * 100 + "1" + ")" * 100,
    "-" * 300 + "1", "2**" * 130 + "2", "sqrt " * 60 + "2", "sqrt(" * 60 + "2" + ")" * 60,
]  # fmt: skip


@pytest.mark.parametrize("attempt", BREAK_OUTS, ids=lambda attempt: attempt[:30])
def test_nothing_breaks_out(attempt: str, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        EXPRESSION.read(attempt, Limits(), now)
    with pytest.raises(SkillError):
        evaluate(attempt)


NO_CALCULATION = [
    "", "   ", "hello", "nine nine", "1+", "*2", "()", "five and six", "seven times", "99 bottles", "the", "plus",
    "what is",
    "one two three", "of", "twenty two and thirty three", "to", "for", "to for", "too much", "round to", "for over two",
    "add to", "average of 5", "sum of", "square", "take to", "14 15 square",
    "x", "x x x", "percent", "sqrt sqrt", "1 2", "x" * 401, "1+" * 200 + "1", True, float("nan"),
    float("inf"), float("-inf"), 10**500,
]  # fmt: skip


@pytest.mark.parametrize("scalar", NO_CALCULATION, ids=lambda scalar: str(scalar)[:20])
def test_limits_of_expressions_hold(scalar: str | float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        EXPRESSION.read(scalar, Limits(), now)


WITHOUT_VALUE = {
    "1/0": "zero",
    "0**-1": "zero",
    "5 mod 0": "zero",
    "1//0": "zero",
    "1/(2-2)": "zero",
    "sqrt(-1)": "no square root",
    "(-8)**0.5": "no such power",
    "log(0)": "above zero",
    "log(-1)": "above zero",
    "factorial(-1)": "whole numbers",
    "factorial(2.5)": "whole numbers",
    "tan(90*pi/180)": "no tangent",
    "4000000**4000000": "too large",
    "9**9**9": "too large",
    "9**9**9**9**9": "too large",
    "2**99999": "too large",
    "10**4300": "too large",
    "factorial(100000)": "too large",
    "factorial(1600)": "too large",
    "factorial(factorial(20))": "too large",
    "10**4000*10**4000": "too large",
    "10**-5000": "too large",
    "2.5**10000.5": "too large",
    "10**400+0.5*pi": "too large",
    "e**1000": "too large",
}


@pytest.mark.parametrize(("expression", "sentence"), WITHOUT_VALUE.items())
def test_what_has_no_value_is_said_in_a_sentence(expression: str, sentence: str, now: datetime) -> None:
    with pytest.raises(SkillError, match=sentence) as caught:
        evaluate(EXPRESSION.read(expression, Limits(), now))
    assert str(caught.value).endswith(".")


def test_the_largest_numbers_that_are_answered() -> None:
    assert evaluate("10**4299") == 10**4299
    assert len(str(evaluate("factorial(1400)"))) < 4300
    assert evaluate("10**4299-10**4299") == 0
    assert evaluate("factorial(1000)/factorial(998)") == 999_000


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("9*9", "81", True), ("9*9", "9*9", True), ("1/0", "1/0", True), ("1/0", "2/0", False), ("1/3", "2/6", True),
        ("2+2", "5", False), ("10**4000", "10**4000+1", False), ("sqrt(2)", "2**0.5", True), ("0", "sin(0)", True),
    ],
)  # fmt: skip
def test_expressions_are_the_same_when_written_alike_or_equal_in_value(one: str, other: str, same: bool) -> None:
    assert EXPRESSION.same(Expression(one), Expression(other)) is same


def random_expression(dice: random.Random, depth: int = 0) -> str:
    """Expressions as hostile as the grammar allows: large numbers, towers of powers, factorials, deep brackets."""
    kind = dice.random()
    if depth > 5 or kind < 0.3:
        return dice.choice(
            ["0", "1", "2", "9", "0.5", "pi", "e", "99999", str(dice.randrange(10**9)), f"{dice.random():.9f}"]
        )
    if kind < 0.45:
        name = dice.choice(["sqrt", "abs", "round", "floor", "ceil", "log", "sin", "cos", "tan", "factorial"])
        return f"{name}({random_expression(dice, depth + 1)})"
    if kind < 0.55:
        return f"-({random_expression(dice, depth + 1)})"
    operator = dice.choice(["+", "-", "*", "/", "//", "%", "**", "**"])
    return f"({random_expression(dice, depth + 1)}){operator}({random_expression(dice, depth + 1)})"


def random_expressions(count: int) -> Iterator[str]:
    dice = random.Random(7)
    return (random_expression(dice)[:600] for _ in range(count))


def answered(text: str) -> bool:
    try:
        value = evaluate(EXPRESSION.read(text, Limits(), NOW))
    except (SkillError, ValueReadError):
        return False
    assert isinstance(value, int) or math.isfinite(value)
    return True


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_each_random_expression_takes_less_than_50_milliseconds(count: int) -> None:
    texts = list(random_expressions(count))
    for text in texts:
        assert processor.seconds(partial(answered, text), enough=0.05) < 0.05, text
    assert sum(map(answered, texts)) > count // 5


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_each_random_expression_takes_less_than_16_megabytes(count: int) -> None:
    answers = 0
    tracemalloc.start()
    try:
        for text in random_expressions(count):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            answers += answered(text)
            assert tracemalloc.get_traced_memory()[1] - before < 16_000_000, text
    finally:
        tracemalloc.stop()
    assert answers > count // 5


@given(st.randoms(use_true_random=False))
def test_what_is_written_reads_back(dice: random.Random) -> None:
    text = random_expression(dice, depth=3)
    try:
        expression = EXPRESSION.read(text, Limits(), NOW)
    except ValueReadError:
        assert len(text) > 300
        return
    assert EXPRESSION.read(EXPRESSION.write(expression), Limits(), NOW) == expression


@given(st.text(alphabet="0123456789+-*/%().!^ episqrtx", max_size=40))
def test_any_text_is_read_or_refused_and_keeps_its_value(text: str) -> None:
    try:
        expression = EXPRESSION.read(text, Limits(), NOW)
    except ValueReadError:
        return
    assert EXPRESSION.read(expression, Limits(), NOW) == expression
    try:
        evaluate(expression)
    except SkillError as error:
        assert str(error)
