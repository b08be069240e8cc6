"""What only an assistant of somebody's says: who made it, what it is, its cut-off date, its stock phrases; English and
Chinese. After open-instruct's filters for identity and cut-off phrases and FastChat's blocked words.

Patterns are plain enough for Rust's regex engine: no look-around, and words that end where ASCII's do, for Unicode's
ends take forty times as long.
"""

_MAKERS = (
    r"(?:openai|chatgpt|gpt-?[345](?:\.5|o)?|anthropic|claude|google bard|bard|gemini|llama|qwen|vicuna|deepseek"
    r"|文心一言|通义千问)"
)

IDENTITY = (
    rf"(?i)(?-u:\b)i(?:'m|’m| am)(?: called| named)? {_MAKERS}(?-u:\b)"
    rf"|(?-u:\b)(?:i(?:'m|’m| am| was)|my name is {_MAKERS},? ?(?:and i was)?)(?: an?)?[^.!?\n]{{0,60}}?"
    rf"(?:developed|trained|created|made|built) by {_MAKERS}(?-u:\b)"
    rf"|我(?:是|叫){_MAKERS}"
    rf"|我是[^。！？\n]{{0,20}}?(?:由|被)[^。！？\n]{{0,6}}?{_MAKERS}[^。！？\n]{{0,8}}?(?:开发|训练|创造|研发|推出)"
)
"""Says to be another maker's model: what is learnt from it is a wrong name."""

TALK = (
    r"(?i)(?-u:\b)as an? (?:ai|artificial intelligence)"
    r"(?: (?:language )?(?:model|assistant|chatbot))?(?-u:\b),? i(?-u:\b)"
    r"|(?-u:\b)as a (?:large )?language model(?-u:\b)"
    r"|(?-u:\b)i(?:'m|’m| am) (?:just |only )?an? (?:ai|artificial intelligence|language model)(?-u:\b)"
    r"|作为(?:一个|一名|一款)?(?:大型)?(?:人工智能|AI|语言模型|大模型)(?:语言模型|助手|模型)?[，,]?我"
    r"|我(?:只)?是一?(?:个|名|款)?(?:人工智能|AI|语言模型|大语言模型)"
)
"""Speaks of itself as a model."""

CUT_OFF = (
    r"(?i)(?-u:\b)(?:my|the) (?:knowledge|training)(?: data)?(?: is)? (?:cut-?off|only goes up to)"
    r"|(?-u:\b)as of my last (?:knowledge |training )?update(?-u:\b)"
    r"|我的(?:知识|训练数据)(?:库)?(?:截止|只更新|更新)(?:到|于|至)?"
)
"""Speaks of the date up to which somebody's model was trained."""

PLEASANTRIES = (
    r"(?i)(?-u:\b)i hope (?:this|that|these)(?: \w+){0,2} helps?(?-u:\b)"
    r"|(?-u:\b)(?:please )?(?:let me know|feel free to (?:ask|reach out)) if you (?:have|need)(?-u:\b)"
    r"|(?-u:\b)is there anything else i can (?:help|assist)(?-u:\b)"
    r"|希望(?:这些|以上|这个|这)?[^。！？\n]{0,8}?(?:能|可以)?对(?:您|你)有(?:所)?帮助"
    r"|如(?:果|有)[^。！？\n]{0,10}?(?:问题|需要)[^。！？\n]{0,8}?(?:随时|请)[^。！？\n]{0,8}?(?:告诉|联系|提问|问)我"
)
"""Closing phrases."""
