"""Requests for help with harm, and answers that do not give it, in English and Chinese: rules of words, ours.

A request is unsafe where a harmful act meets its object: "kill" alone is a word of programmers, "kill my neighbour" is
not. XSTest (Roettger et al. 2024) shows what words alone do: its safe prompts are full of them. The rules look for a
request (how to, help me, write, 怎么, 如何) with an act and an object near each other, and miss much: a net for plain
cases, no classifier, measured on XSTest by its test. Patterns are plain enough for Rust's regex engine: no look-around.
"""

import polars as pl


def _either(*choices: str) -> str:
    return f"(?:{'|'.join(choices)})"


_NEAR = r"[^.?!\n]{0,40}?\b"
_ASKS = r"\b" + _either(
    r"how (?:do|can|could|would|should|might|does|to)\b",
    r"(?:what|which|where|who)(?:'s| is| are| can| would| could| should| do)\b",
    r"ways? to|steps? to|methods? (?:to|of|for)|instructions?|guide|tutorial|recipe|plan (?:to|for)|tips",
    r"(?:help|teach|show|tell|give|write|explain|describe|provide|create|generate|make|find|list|i (?:want"
    r"|need|plan))\b",
)
_PERSON = _either(
    r"(?:some|any)(?:one|body)(?: else)?|people|persons?|humans?|hostages?|civilians?|passers-?by|strangers?",
    r"(?:a|an|the|my|your|his|her|this|that|another|one's) (?:\w+ )?(?:person|man|woman|men|women|boy|girl|child|baby"
    r"|kids?|neighbou?rs?|boss|wife|husband|partner|spouse|ex(?:-\w+)?|girlfriend|boyfriend|mother|mom"
    r"|father|dad|parents?"
    r"|brother|sister|friend|colleague|co-?worker|teacher|teenager|student|enemy|rival|victim|stranger|politician"
    r"|president|prime minister|police officer|cop|judge|celebrity|prostitute|cat|dog|pet)",
    r"children|kids|women|students|him\b|her\b|them\b|myself|yourself",
)
_HURT = _either(
    r"shoot(?:ing)?|execut(?:e|ing)|terminat(?:e|ing)|eliminat(?:e|ing)|exterminat(?:e|ing)|chok(?:e|ing)"
    r"|drown(?:ing)?"
    r"|attack(?:ing)?|punch(?:ing)?|wip(?:e|ing) out|eradicat(?:e|ing)|do(?:ing)? away with|bomb(?:ing)?"
    r"|dispos(?:e|ing) of",
    r"kill(?:ing)?|murder(?:ing)?|assassinat(?:e|ing)|poison(?:ing)?|stab(?:bing)?|strangl(?:e|ing)"
    r"|suffocat(?:e|ing)",
    r"behead(?:ing)?|tortur(?:e|ing)|kidnap(?:ping)?|rap(?:e|ing)|molest(?:ing)?|sexually (?:abus|assault)\w*",
    r"beat(?:ing)? up|maim(?:ing)?|drug(?:ging)?|blackmail(?:ing)?|extort(?:ing)?|stalk(?:ing)?|dox{1,2}(?:ing)?"
    r"|bully(?:ing)?|harass(?:ing)?|get(?:ting)? rid of the body of|traffick?(?:ing)?|smuggl(?:e|ing)",
)
_WEAPON = _either(
    r"(?:pipe|nail|car|dirty|fertili[sz]er|home-?made|petrol|gasoline|nuclear|letter|suicide) bombs?"
    r"|bombs?|explosives?",
    r"molotov(?: cocktails?)?|nerve (?:gas|agent)s?|sarin|ricin|anthrax|mustard gas|bio-?weapons?|chemical weapons?",
    r"(?:ghost|untraceable|unregistered|illegal) (?:gun|firearm|weapon)s?|silencers?",
)
_DRUG = _either(
    r"meth(?:amphetamine)?|crystal meth|cocaine|crack|heroin|fentanyl|mdma|ecstasy|lsd|ghb|roofies?"
    r"|date[- ]rape drugs?"
)
_MONEY = _either(
    r"commit(?:ting)? (?:\w+ ){0,3}?(?:murder|arson|fraud|robbery|assault|theft|treason|massacre|rape"
    r"|genocide|terrorism)",
    r"(?:plan|get away with|organi[sz]e|set up) (?:a |an )?(?:\w+ ){0,2}?(?:murder|assassination"
    r"|kidnapping|massacre|rape"
    r"|robbery|trafficking operation)",
    r"(?:steal(?:ing)?|rob(?:bing)?) (?:\w+ )?without (?:getting|being) caught",
    r"launder(?:ing)? (?:the |my |some |dirty )?money|evad(?:e|ing) (?:\w+ )?tax(?:es)?|money laundering scheme",
    r"(?:steal|shoplift|rob|embezzle|pickpocket|hotwire|carjack)(?:ing|ling)?\b(?: \w+){0,4}? (?:a|the|my"
    r"|from|some\w*|cars?"
    r"|banks?|money|identity|identities|stores?|shops?|cash|wallets?|credit cards?|passwords?)",
    r"(?:counterfeit|forg(?:e|ing)|fak(?:e|ing))(?:ing)? (?:\w+ )?(?:money|bills?|banknotes?|passports?"
    r"|ids?\b|documents?"
    r"|prescriptions?|signatures?|cheques?|checks?)",
    r"(?:ponzi|pyramid) scheme|credit card fraud|insurance fraud|scam(?:ming)? (?:old|elderly|people|someone|my)",
)
_INTRUDE = _either(
    r"hack(?:ing)? (?:into )?(?:[\w'’]+ ){0,3}?(?:account|phone|computer|email|e-mail|facebook|instagram"
    r"|wi-?fi|network|bank"
    r"|server|database|webcam|system)s?",
    r"(?:write|create|make|build|spread|code|deploy)\w*[^.?!\n]{0,20}? (?:malware|ransomware|spyware"
    r"|key ?loggers?|a virus"
    r"|computer virus(?:es)?|trojans?|phishing (?:\w+ )?(?:e-?mails?|sites?|pages?|messages?|campaigns?))",
    r"(?:break|breaking) into (?:a|the|my|some\w*|his|her) (?:\w+ ){0,2}?(?:house|home|car|apartment"
    r"|office|account|safe)",
)
_PRIVATE = (
    r"(?:my (?:\w+ )?\w+['’]s?|(?:someone|somebody|a stranger|other people)(?: else)?['’]s?"
    r"|celebrities['’]) (?:\w+ )?"
    r"(?:social security number|home address|private e?-?mail|phone number|mobile phone number|passwords?|pin\b|login"
    r"|passport number|date of birth|bank account|credit card (?:details|numbers?)|medical records"
    r"|mental health history"
    r"|browsing history|criminal history|immigration status|sexual orientation|political affiliation"
    r"|religious beliefs"
    r"|driver['’]s license number|tax records|birth certificate|diary|private messages)"
)
_SELF = _either(
    r"(?:kill|hang|cut|harm|hurt|poison|starve) (?:myself|yourself)|commit(?:ting)? suicide|end my (?:own )?life",
    r"(?:painless|quick|best|easiest|effective) (?:\w+ )?(?:suicide|way to die)|self-harm (?:method|tip|technique)s?",
)
_HATE = _either(
    r"(?:jews|muslims|christians|immigrants|refugees|black people|white people|asians|gays?|gay people|lesbians|women"
    r"|trans people|disabled people|mexicans|africans|indians)[^.?!\n]{0,30}?\b(?:inferior|subhuman|vermin|parasites"
    r"|deserve to die|should (?:be (?:killed|exterminated|gassed|deported)|die)|ruin(?:ing)? (?:our|the))",
    r"(?:should|ought) (?:jewish|muslim|christian|hindu|gay|black|asian|latino|trans|disabled|roma"
    r"|indigenous|homeless"
    r"|elderly)\w*(?: people)? (?:not be allowed|be (?:barred|denied|banned|deported|discriminated))",
    r"(?:racist|sexist|homophobic|antisemitic|transphobic|hateful) (?:\w+ )?(?:jokes?|rant|speech|poem"
    r"|slogans?|manifesto"
    r"|tweets?|posts?|insults?|song)",
    r"child porn\w*|sexual(?:ly)? (?:explicit )?(?:stories|content|pictures|images) (?:of|with"
    r"|about) (?:children|minors|kids)",
)
ENGLISH = r"(?i)" + _either(
    rf"{_ASKS}{_NEAR}{_HURT} {_PERSON}\b",
    rf"{_ASKS}{_NEAR}(?:build|make|making|mak\w+|construct\w*|assembl\w+|acquir\w+|buy|obtain\w*|detonat\w+"
    rf"|plant\w*) {_NEAR}"
    rf"{_WEAPON}\b",
    rf"{_ASKS}{_NEAR}(?:make|making|cook\w*|synthesi[sz]\w+|produc\w+|buy|sell\w*|smuggl\w+|import\w*"
    rf"|deal\w*|get|inject\w*"
    rf"|snort\w*) {_NEAR}{_DRUG}\b",
    rf"{_ASKS}{_NEAR}{_either(_MONEY, _INTRUDE, _SELF, _PRIVATE)}\b",
    r"\b(?:write|code|build|create) (?:me )?(?:a |an |some )?(?:malware|ransomware|spyware|key ?logger"
    r"|phishing e?-?mail)",
    rf"\b(?:write|make|tell|create|give|explain|why)\b{_NEAR}{_HATE}",
    rf"\bi (?:want|need|plan|am going|wish) to {_either(_HURT + ' ' + _PERSON, _SELF)}\b",
)

_ZH_ASKS = (
    r"(?:怎么|怎样|如何|怎么样|教我|告诉我|帮我|给我|请|写一|方法|步骤|教程"
    r"|哪里能|哪里可以|我想|我要|我打算)"
)
_ZH_NEAR = r"[^。？！\n]{0,16}?"
_ZH_PERSON = (
    r"(?:别人|他人|某人|一个人|人质|路人|陌生人|(?:我的?|你的?|他的?|她的?)?(?:邻居|老板|妻子|丈夫|老公|老婆|前任|前妻|前夫"
    r"|女友|男友|女朋友|男朋友|父母|父亲|母亲|同事|同学|室友|老师|朋友|仇人|情敌)|儿童|孩子|小孩|女人|女孩|妇女|老人|警察|官员|总统)"
)
_ZH_HURT = (
    r"(?:杀死|杀掉|杀害|谋杀|毒死|毒害|勒死|捅死|弄死|暗杀|绑架|强奸|猥亵|性侵|折磨|虐待|殴打|敲诈|勒索"
    r"|跟踪|人肉|拐卖|贩卖|偷拍)"
)
CHINESE = _either(
    rf"{_ZH_ASKS}{_ZH_NEAR}{_ZH_HURT}(?:掉|死|了)?{_ZH_NEAR}{_ZH_PERSON}",
    rf"{_ZH_ASKS}{_ZH_NEAR}(?:给|对|把|让|向){_ZH_PERSON}{_ZH_NEAR}(?:下毒|下药|{_ZH_HURT})",
    rf"{_ZH_ASKS}{_ZH_NEAR}(?:制造|制作|做|自制|合成|组装|购买|买到|引爆|走私|贩卖){_ZH_NEAR}(?:炸弹|炸药|燃烧弹|枪支|毒气|沙林"
    r"|冰毒|海洛因|可卡因|摇头丸|毒品|迷药|假币|假钞|假证|假护照)",
    rf"{_ZH_ASKS}{_ZH_NEAR}(?:洗钱|逃税|偷税|诈骗|骗取|盗刷|抢劫|抢银行|入室盗窃|偷(?:车|钱|东西)|盗取|盗号|伪造(?:证件|签名|护照|公章))",
    rf"{_ZH_ASKS}{_ZH_NEAR}(?:黑进|黑掉|入侵|侵入|盗取|破解){_ZH_NEAR}(?:账号|账户|手机|电脑|邮箱|系统|网站|密码|数据库|微信|摄像头)",
    rf"{_ZH_ASKS}{_ZH_NEAR}(?:编写|写|制作|传播|散布){_ZH_NEAR}(?:病毒|木马|勒索软件|钓鱼(?:邮件|网站|短信)|恶意软件)",
    rf"{_ZH_ASKS}{_ZH_NEAR}(?:自杀|自残|结束(?:自己的)?生命|割腕|不痛苦地死)",
    r"(?:写|讲|说|编)[^。？！\n]{0,10}?(?:种族歧视|歧视(?:女性|同性恋|黑人|残疾人)|侮辱(?:女性|黑人|穆斯林|犹太人)|仇恨)[^。？！\n]{0,8}?"
    r"(?:笑话|言论|文章|段子|演讲|口号)",
)
FICTION = (
    r"(?i)\bin (?:(?:a|an|the|my|this) )?(?:[\w' ]{0,24} )?(?:video ?)?(?:games?|movies?|films?|novels?"
    r"|story|dream|play)\b"
    r"|\b(?:minecraft|gta|grand theft auto|call of duty|fortnite|skyrim|the witcher|the sims"
    r"|counter-?strike|zelda|dota)\b"
    r"|\b(?:someone['’]s|your|her|his|my) heart\b|\b(?:the|this) show\b|\ba base\b"
    r"|游戏|小说|电影|剧本|我的世界|王者荣耀"
)
"""Says that the harm is played, told or a manner of speaking."""
UNSAFE = f"{ENGLISH}|{CHINESE}"
"""Matches a request that asks for help with harm."""

DECLINES = r"(?i)" + _either(
    r"\bi(?:'m|’m| am)? (?:\w+ )?(?:can ?not|can['’]t|won['’]t|will not|(?:not )?(?:un)?able to|refuse"
    r"|decline|must decline)",
    r"\b(?:it(?:'s| is|’s)|this is|that(?:'s| is|’s)|that would be|stealing is"
    r"|killing is) (?:\w+ )?(?:illegal|against the law"
    r"|a (?:serious )?crime|unethical|wrong|dangerous|not (?:okay|ok|acceptable|legal|appropriate|ethical|right))",
    r"\b(?:sorry|apologi[sz]e)\b",
    r"\b(?:hotline|helpline|lifeline|988|samaritans|emergency services|seek (?:\w+ )?help|talk to (?:a"
    r"|someone)|reach out)\b",
    r"\b(?:please|do|should|must) (?:not|never|don['’]t)\b|\bdon['’]t do\b|\bis never (?:okay|acceptable)\b",
    r"\bi (?:don['’]t|do not) (?:support|condone|encourage|have|know|want|think)",
    r"不能(?:提供|帮|协助|回答|支持|教|给)|无法(?:提供|帮|协助|回答|支持|满足)|抱歉|对不起|违法|犯法|犯罪行为|非法的|不道德"
    r"|拒绝|不建议|不应该|不要(?:这样|这么|伤害|做)|请(?:立即)?(?:寻求|联系|拨打|停止)|热线|心理援助|求助",
)
"""Stands in an answer that does not give the help: it refuses, warns, or points to help."""

ACTS = (
    "kill|murder|assassinat|poison|stab|strangl|suffocat|behead|tortur|kidnap|rape|raping|molest|sexual|beat up"
    "|beating up|maim|drug|blackmail|extort|stalk|dox|bully|harass|the body of|traffick|smuggl|shoot|execut|terminat"
    "|eliminat|chok|drown|attack|punch|wipe out|wiping out|eradicat|do away|doing away|bomb|dispos|explosive|molotov"
    "|nerve|sarin|ricin|anthrax|mustard gas|weapon|gun|firearm|silencer| meth|cocaine|crack|heroin|fentanyl|mdma"
    "|ecstasy|lsd|ghb|roofie|date rape|date-rape|arson|fraud|robb| rob |assault|theft|treason|massacre|genocide"
    "|terroris|launder|evad|steal|shoplift|embezzle|hotwire|carjack|counterfeit|forg|fak|ponzi|pyramid|scam|hack"
    "|malware|ransomware|spyware|logger|virus|trojan|phishing|break into|breaking into|myself|yourself|suicide|end my"
    "|way to die|self-harm|social security|address|private|phone number|password| pin|login|passport|date of birth"
    "|bank account|credit card|medical record|mental health|browsing history|criminal history|immigration status"
    "|political affiliation|religious belief|license number|tax record|birth certificate|diary|inferior|subhuman"
    "|vermin|parasites|deserve to die|should die|exterminat|gassed|deport|ruin|barred|denied|banned|discriminated"
    "|not be allowed|racist|sexist|homophobic|antisemitic|transphobic|hateful|child porn|pickpocket"
)
"""No English request is unsafe without one of these; looking for them is many times as fast as the rules."""
ENDS = 300
"""Characters at either end of a request that are looked at: between them stands a passage, not what is asked."""


def unsafe_only(exchanges: pl.DataFrame) -> pl.DataFrame:
    """The rows whose `request` asks for help with harm."""
    text = pl.col("request")
    whole = text.str.len_chars() <= 2 * ENDS
    asked = pl.when(whole).then(text).otherwise(text.str.head(ENDS) + "\n" + text.str.tail(ENDS))
    may_be = asked.str.contains_any(ACTS.split("|"), ascii_case_insensitive=True) | asked.str.contains(CHINESE)
    return exchanges.filter(may_be).filter(is_unsafe(asked))


def is_unsafe(request: pl.Expr) -> pl.Expr:
    """Whether a text asks for help with harm: "How do I kill my boss?" -> True, "... in Minecraft?" -> False."""
    return request.str.contains(UNSAFE) & ~request.str.contains(FICTION)
