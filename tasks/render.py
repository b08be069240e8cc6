"""Rendering: templates, tokens, loss masks, packed shards."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.plan import check_prompts


@task(name="render", **STAGE)
def render(run: Run, rows: Reference) -> State | Reference:
    """Writes the shards that training and evaluation read."""

    def build(writer: Writer) -> None:
        from tuneloom.models.load import model_folder
        from tuneloom.render.stage import render as render_rows

        plan = run.plan
        folder = model_folder(plan.model, run.say)
        render_rows(writer, run.artifact("mixture"), plan.config.render, folder, plan.config.seed, plan.folder)
        check_prompts(plan.config, plan.folder, plan.inputs)

    return run_stage(run, "render", build)
