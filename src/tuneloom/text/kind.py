"""Whether a text is natural language, code, or both: which rules may judge it, and how duplicates are compared.

Lines are classed one by one, by marks that prose does not carry: statement keywords with their punctuation, braces and
semicolons at line ends, tags, calls, assignments, SQL clauses. A fenced block is code whatever stands in it.
"""

import re

HEAD = 4_000
"""Characters looked at."""
LINE = 300
"""Characters looked at in one line."""
CODE_SHARE = 0.7
"""Share of code lines' characters from which a text is `code`."""
SOME_CODE = 0.1
"""Share from which it is `mixed`; a single line that only looks like code in a long text stays below."""

_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_CODE_LINE = re.compile(
    r"""^[ \t]*(?:
      (?:async[ ]+)?(?:def|function|class|interface|struct|enum)\b[ ]*\w*[ ]*(?:\(|:[ \t]*$|.*\{)
    | import[ ]+(?:[\w.]+(?:,[ ]*[\w.]+)*(?:[ ]+as[ ]+\w+)?|\{.*\}.*|.*[ ]from[ ]+['"].*)[ ]*;?[ \t]*$
    | from[ ]+[\w.]+[ ]+import[ ].+
    | (?:\#include|\#define|using[ ]+namespace|package[ ]+[\w.]+;|<\?php|export[ ]+(?:default|const|function)\b)
    | (?:if|elif|else[ ]if|for|foreach|while|with|switch|catch|except|unless)\b.*(?:\)|\]|\w|['"])[ ]*(?::|\{)[ \t]*$
    | (?:else|try|finally|do|begin)[ ]*[:{][ \t]*$
    | (?:public|private|protected|static|final|void|unsigned|const|let|var|int|float|double|char|bool|String)\b
        [ ]+\S.*[(;={\[]
    | return\b(?:[ ]+[\w.'"]+|[ ]+.*[()\[\]{};<>=+*/].*)?[ ]*;?[ \t]*$
    | (?:console\.log|System\.out\.print\w*|print|printf|println|echo|puts|cout|alert)[ ]*(?:\(|<<|['"$]).*
    | [\w.\[\]'"*&$]+(?:,[ ]*[\w.$]+)*[ ]*(?:[-+*/|&%:]|<<|>>)?=(?![=\s]*$)(?!.*(?:[ ]=[ ]|<<|\^|\?)).*
    | [\w.$]+\((?!\w+[ ]\w+\))[^()]*(?:\([^()]*\)[^()]*)*\)(?:\.\w+.*)?[ ]*;?[ \t]*$
    | ["'][\w -]+["'][ ]*:[ ]*\S.*
    | @\w+(?:\(.*\))?[ \t]*$
    | </?[a-zA-Z!][\w-]*(?:[ ][^<>]*)?/?>.*
    | SELECT[ ].*\bFROM\b.* | select[ ].*\bfrom\b.*;[ \t]*$
    | (?:INSERT[ ]+INTO|UPDATE[ ]+\w+[ ]+SET|DELETE[ ]+FROM|CREATE[ ]+(?:TABLE|DATABASE|INDEX|VIEW)|ALTER[ ]+TABLE)\b.*
    | (?:SELECT|FROM|WHERE|GROUP[ ]+BY|ORDER[ ]+BY|HAVING|LIMIT|(?:INNER|LEFT|RIGHT|OUTER|CROSS)?[ ]*JOIN)\b
        [ \t]*[\w*(].*
    | [.#]?[\w-]+(?:[ ,>]+[.#]?[\w-]+|\.[\w-]+)*[ ]*\{[ \t]*$
    | [\w-]+:[ ]*[^:;]+;[ \t]*$
    | [})\]]+[;,)]*[ \t]*$
    | .*(?:[)\]}'"\w][ ]*\{|[)\]}'"];|\w\.\w+;|=.*;|\w\+\+;)[ \t]*$
    | .*=>[ ]*[\w({\[].*
    )""",
    re.VERBOSE | re.ASCII,
)
_SYMBOLS = "={};<"
_MAY_START_CODE = re.compile(
    r"""[ \t]*(?:["'@)\]}]|[\w.$]+\(|(?:async|def|function|class|interface|struct|enum|import|from|\#include|\#define
    |using|package|<\?php|export|if|elif|else|for|foreach|while|with|switch|catch|except|unless|try|finally|do|begin
    |public|private|protected|static|final|void|unsigned|const|let|var|int|float|double|char|bool|String|return|console
    |System|print|printf|println|echo|puts|cout|alert|SELECT|select|INSERT|UPDATE|DELETE|CREATE|ALTER|FROM|WHERE
    |GROUP|ORDER|HAVING|LIMIT|INNER|LEFT|RIGHT|OUTER|CROSS|JOIN)(?![a-z]))""",
    re.VERBOSE | re.ASCII,
)
"""Whatever is a code line has one of the symbols or starts like this; asked first, for most lines have neither."""
_CODE_BESIDE_CODE = re.compile(
    r"^[ \t]*(?:#(?!#)|//|/\*|\*/|\* |-- |<!--|\"\"\"|\'\'\'|(?:fi|done|end|esac|then|do|break|continue|pass);?[ \t]*$)"
)
"""Comments and lone keywords."""


def detect_kind(text: str) -> str:
    """`natural`, `code` or `mixed`: `"def f(x):\\n    return x"` -> `"code"`; a question with it below: `"mixed"`."""
    head = text[:HEAD]
    symbols = [symbol for symbol in _SYMBOLS if symbol in head]
    code = natural = 0
    for part, fenced in _parts(head):
        lines = [line for line in part.splitlines() if line.strip()]
        marks = [fenced or _is_code(line[:LINE], symbols) for line in lines]
        if not any(marks):
            natural += sum(map(len, map(str.strip, lines)))
            continue
        for line, is_code in zip(lines, _with_neighbours(lines, marks), strict=True):
            if is_code:
                code += len(line.strip())
            else:
                natural += len(line.strip())
    share = code / max(1, code + natural)
    return "code" if share >= CODE_SHARE else "mixed" if share >= SOME_CODE else "natural"


def _is_code(line: str, symbols: list[str]) -> bool:
    """Whether a line alone is code; `symbols` are those of `_SYMBOLS` that the text has."""
    may_be = any(symbol in line for symbol in symbols) or _MAY_START_CODE.match(line)
    return bool(may_be and _CODE_LINE.match(line))


def _parts(text: str) -> list[tuple[str, bool]]:
    """The text cut at code fences: [(part, whether it lies within a fence)]; an open fence runs to the end."""
    if "```" not in text and "~~~" not in text:
        return [(text, False)]
    parts = _FENCE.split(text)
    return [(part, number % 2 == 1) for number, part in enumerate(parts)]


def _with_neighbours(lines: list[str], marks: list[bool]) -> list[bool]:
    """A comment or lone keyword is code where a neighbouring line is; alone it is as likely a heading or a word."""
    near = [False, *marks, False]
    beside = [before or after for before, after in zip(near, near[2:], strict=False)]
    return [
        mark or (beside_code and bool(_CODE_BESIDE_CODE.match(line)))
        for line, mark, beside_code in zip(lines, marks, beside, strict=True)
    ]
