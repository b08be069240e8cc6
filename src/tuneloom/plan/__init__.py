"""What a run would do: every stage's key, known before anything runs, and what of it is in the store already.

A stage's key needs its config section, its declared inputs, its code and its parents' keys, so the whole chain
follows from the config, the sources' digests and the model's. Only the index of released rows and the champion are
looked up elsewhere: they are frozen in the run record. Nothing heavy is imported here; a run that is wholly reused
answers from this package.
"""

from tuneloom.plan.continued import check_continued
from tuneloom.plan.files import PlannedFile, check_unchanged
from tuneloom.plan.inputs import check_prompts, check_transforms, names_hub
from tuneloom.plan.plan import Plan, champion_is_settled, make_plan, references, store_of, with_champion, with_release
from tuneloom.plan.reasons import why
from tuneloom.plan.specs import DATA_STAGES, STAGES, check_until

__all__ = [
    "DATA_STAGES",
    "STAGES",
    "Plan",
    "PlannedFile",
    "champion_is_settled",
    "check_continued",
    "check_prompts",
    "check_transforms",
    "check_unchanged",
    "check_until",
    "make_plan",
    "names_hub",
    "references",
    "store_of",
    "why",
    "with_champion",
    "with_release",
]
