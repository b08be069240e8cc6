"""The verb of a task: what an instruction asks for, named in English whatever its language (`翻译` -> `translate`)."""

import polars as pl

_VERBS = {
    "write": "compose|draft|write|写|撰写|创作|编写",
    "generate": "generate|produce|create|make|design|生成|创建|制作|设计",
    "explain": "explain|describe|elaborate|discuss|解释|说明|描述|阐述|讲解|介绍",
    "summarize": "summari[sz]e|sum up|outline|condense|总结|概括|概述|摘要|归纳",
    "translate": "translate|翻译|译成|译为",
    "rewrite": "rewrite|rephrase|paraphrase|reword|改写|重写|润色",
    "correct": "correct|fix|repair|edit|proofread|debug|修改|纠正|修复|更正|改正",
    "classify": "classify|categori[sz]e|label|分类|归类|判断|标注",
    "identify": "identify|find|extract|detect|recogni[sz]e|locate|找出|识别|提取|抽取|指出",
    "list": "list|name|enumerate|give|provide|suggest|recommend|列出|列举|给出|提供|推荐|建议",
    "compute": "calculate|compute|solve|evaluate|convert|count|计算|求解|解方程|换算|统计",
    "compare": "compare|contrast|rank|比较|对比",
    "complete": "complete|continue|fill|finish|补全|续写|完成|填空",
    "answer": "answer|reply|respond|回答|回复",
    "implement": "implement|code|program|实现|编程",
    "ask": "ask|question|提问|提出",
    "sort": "sort|order|arrange|排序|排列",
    "analyze": "analy[sz]e|assess|review|分析|评估|评价",
}
HEAD = 200
"""Characters in which it is looked for."""

VERBS = tuple(_VERBS)


def verb(column: str) -> pl.Expr:
    """The first verb of a task in the head of a text, null where there is none: "Please sum up: ..." -> "summarize".

    What stands last of an instruction is as a rule its object, so the first verb counts.
    """
    words = {alternative: name for name, some in _VERBS.items() for alternative in some.split("|")}
    english = "|".join(word for word in words if word.isascii())
    chinese = "|".join(sorted((word for word in words if not word.isascii()), key=len, reverse=True))
    head = pl.col(column).str.head(HEAD).str.to_lowercase()
    found = head.str.extract(rf"(?-u:\b)({english})(?-u:\b)|({chinese})", 0)
    names = {spelt: name for word, name in words.items() for spelt in _spellings(word)}
    return found.replace_strict(list(names), list(names.values()), default=None, return_dtype=pl.String)


def _spellings(word: str) -> tuple[str, ...]:
    return (word.replace("[sz]", "s"), word.replace("[sz]", "z")) if "[sz]" in word else (word,)
