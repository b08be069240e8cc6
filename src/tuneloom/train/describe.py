"""What a method is, in a line for the plan, the log and the model card. No torch here: planning must stay quick."""

from tuneloom.config import Train


def method_told(settings: Train, continues: str | None = None) -> str:
    """`lora of rank 8 and alpha 16 on all-linear`, `full`, `dora of rank 4 ... from pissa, LoRA+ 16, NEFTune 5`;
    `continues` names the adapter that is gone on with, whose shape holds."""
    noise = [f"NEFTune {settings.neftune:g}"] if settings.neftune else []
    if settings.method == "full":
        return ", ".join(["full", *noise])
    targets = settings.target_modules
    layers = targets if isinstance(targets, str) else " ".join(targets)
    shape = f"of rank {settings.rank} and alpha {settings.alpha:g} on {layers}"
    parts = [
        f"{settings.method} " + (f"that goes on with {continues}" if continues else shape),
        *(["rsLoRA"] if settings.rslora and not continues else []),
        *([f"from {settings.init}"] if settings.init != "zero" and not continues else []),
        *([f"with {', '.join(settings.modules_to_save)}"] if settings.modules_to_save and not continues else []),
        *([f"LoRA+ {settings.lora_plus:g}"] if settings.lora_plus != 1 else []),
        *noise,
        *(["the base in 4 bits"] if settings.four_bit else []),
    ]
    return ", ".join(parts)
