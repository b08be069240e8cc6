"""Boilerplate refusals at the start of an answer, in English and Chinese, and requests that deserve one.

A refusal is boilerplate when it speaks of the assistant's own inability or rules in set phrases. "Sorry, we are closed
on Sunday" refuses too, but says something. Refusing a harmful request is a skill worth learning, so those are told
apart by what the request asks for. Patterns are plain enough for Rust's regex engine: no look-around.
"""


def _either(*choices: str) -> str:
    return f"(?:{'|'.join(choices)})"


_I = r"i(?:'m|’m| am)?(?: (?:really|simply|just|currently))?"
_SELF = (
    r"as (?:an?|your) (?:responsible |helpful )?(?:ai|artificial intelligence|(?:large )?language model"
    r"|virtual assistant|chat ?bot|assistant)(?: (?:language )?(?:model|assistant|program))?"
    r"(?: (?:developed|trained|created|made) by \w+)?"
)
_OPENING = _either(
    r"(?:i'?m|i’m|i am|we'?re|we are) (?:so |very |really |truly |deeply |terribly )?(?:sorry|afraid)",
    r"(?:so |very )?sorry",
    r"(?:my )?apologies",
    r"i (?:do |sincerely )?apologi[sz]e",
    r"unfortunately",
    r"regrettably",
    _SELF,
)
_CANNOT = _either(
    r"can ?not",
    r"can['’]?t",
    r"could not|couldn['’]t",
    r"(?:am )?unable to",
    r"(?:am )?not (?:able|allowed|permitted|programmed|designed) to",
    r"will not|won['’]t",
    r"do(?: not|n['’]t) have the (?:ability|capability|capacity) to",
    r"(?:must|have to) decline to",
)
_SERVE = _either(
    r"help (?:you|with)|help\s*[.!]",
    r"assist|provide|answer|comply|generate|process|respond|engage|support|offer|create|produce|perform|satisfy",
    r"fulfil|grant|discuss|share|access|browse|accept|execute|continue|proceed|carry out",
    r"do (?:that|this)\b",
    r"complete (?:this|that|your|the)|translate (?:this|that)|write (?:this|that)",
)
_HAVE_NOT = (
    r"i (?:do not|don['’]t) (?:have|possess) (?:\w+ )?(?:personal (?:opinions?|feelings?|experiences?|beliefs?)"
    r"|feelings|emotions|opinions|access to|the ability|real-time)"
)
_OBJECT = r"(?:request|that|this|question|task|content|prompt|information)"

ENGLISH = r"(?i)^[\s\"'*_]*" + _either(
    rf"{_OPENING}[^.!?\n]{{0,90}}?\b{_I}\s*{_CANNOT}\s+(?:\w+ ){{0,2}}?{_SERVE}",
    rf"{_OPENING}[^.!?\n]{{0,60}}?\b{_HAVE_NOT}",
    rf"{_I}\s*{_CANNOT}\s+(?:\w+ )?{_SERVE}[^.!?\n]{{0,40}}\b{_OBJECT}\b",
)

_ZH_SORRY = r"(?:(?:非常|很|十分|真的|实在)?(?:抱歉|对不起|不好意思|遗憾)[，,。！!、\s]*)"
_ZH_SELF = (
    r"(?:作为(?:一个|一名|一款)?[^，,。\n]{0,8}?(?:人工智能|AI|语言模型|大模型|虚拟助手|智能助手|机器人)"
    r"[^，,。\n]{0,12}[，,]?\s*)"
)
_ZH_CANNOT = (
    r"(?:无法|不能|没有?办法|没法|无权|不便|不被允许|没有能力"
    r"|不具备[^，。\n]{0,8}能力[，,]?(?:因此|所以)?(?:无法|不能)?)"
)
_ZH_SERVE = (
    r"(?:回答|提供|满足|协助|帮助|帮您|帮你|完成|生成|处理|执行|支持|为您|为你|给出|给您|继续|讨论|参与|回应|访问"
    r"|浏览|查看|获取|分享|答复)"
)
_ZH_OBJECT = r"(?:请求|问题|要求|内容|帮助|信息|任务|服务)"

CHINESE = r"^[\s“\"*]*" + _either(
    rf"{_ZH_SORRY}[^。！？\n]{{0,20}}?(?:我|本助手|作为)[^。！？\n]{{0,24}}?{_ZH_CANNOT}[^。！？\n]{{0,6}}?{_ZH_SERVE}",
    rf"{_ZH_SORRY}{_ZH_CANNOT}[^。！？\n]{{0,4}}?{_ZH_SERVE}",
    rf"{_ZH_SELF}[^。！？\n]{{0,24}}?{_ZH_CANNOT}[^。！？\n]{{0,6}}?{_ZH_SERVE}",
    rf"我{_ZH_CANNOT}[^。！？\n]{{0,4}}?{_ZH_SERVE}[^。！？\n]{{0,10}}{_ZH_OBJECT}",
)

BOILERPLATE = f"{ENGLISH}|{CHINESE}"
"""Matches at the start of an answer only."""

_UNSAFE_WORDS = _either(
    r"kill|murder|bomb|explosives?|weapons?|guns?|firearms?|poison(?:ing|ous)?|suicid\w*|self-harm|torture",
    r"hack(?:ing|ed)?|malware|virus|ransomware|phishing|exploit(?:ing)?|passwords?|cheat(?:ing)?",
    r"steal(?:ing)?|rob(?:bing)?|burgl\w+|blackmail|extort\w*|counterfeit\w*|forg(?:e|ed|ery)|fraud\w*|scam\w*",
    r"cocaine|heroin|meth(?:amphetamine)?|drugs?|launder\w*|traffick\w*|smuggl\w*|illegal(?:ly)?|crimes?",
    r"child porn\w*|porn\w*|sexual(?:ly)?|nude|rape|abuse|assault|stalk(?:ing)?|violen(?:t|ce)|harm(?:ful)?|hurt",
    r"racis[tm]|sexist|nazi|terroris[tm]\w*|hate speech|slurs?",
    r"credit card numbers?|social security numbers?|home address",
)
_ZH_UNSAFE_WORDS = _either(
    r"杀人|谋杀|炸弹|爆炸物|武器|枪支|毒药|下毒|自杀|自残|虐待|暴力|伤害",
    r"黑客|病毒|木马|勒索|钓鱼网站|破解|密码|作弊",
    r"盗窃|偷窃|抢劫|敲诈|伪造|假币|诈骗|洗钱|走私|贩卖|毒品|冰毒|海洛因|违法|非法|犯罪",
    r"色情|强奸|裸|跟踪他人|种族歧视|恐怖主义|恐怖袭击|恐怖分子|仇恨|身份证号",
)
UNSAFE_REQUEST = rf"(?i)(?-u:\b){_UNSAFE_WORDS}(?-u:\b)|{_ZH_UNSAFE_WORDS}"
"""Words of requests that a refusal may be the right answer to; wide on purpose: in doubt the refusal is kept. Word ends
are those of ASCII: a pattern with Unicode's takes forty times as long."""
