"""The rows of ablations: each differs from its baseline in what it says, and trains as long."""

from agerestore.config.training import train_config
from agerestore.research.experiments.ablations import ABLATIONS, IMPROVEMENTS, LAMBDAS, NETWORKS


def test_every_ablation_differs_from_what_ships_and_sees_as_many_images():
    runs = {
        name: train_config(row.preset, (f"batch_size={row.batch}", *NETWORKS, *row.settings))
        for name, row in ABLATIONS.items()
    }
    shipped = runs.pop("as it ships")
    assert shipped.updates == train_config("age-mnist").updates
    assert all(other != shipped for other in runs.values())
    assert len({other.model_dump_json() for other in runs.values()}) == len(runs)
    assert runs["no reconstruction terms"].updates["encoder"].weights["match_x"] == 0
    assert runs["right KL, doubled"].updates["generator"].weights["kl_fake"] == 20


def test_every_improvement_changes_the_published_plan_in_one_thing():
    plans = {name: train_config(row.preset).model_dump() for name, row in IMPROVEMENTS.items()}
    published, ours = plans.pop("as published"), plans.pop("our balance, flips")
    del plans["the same, spectral norms"]  # which sets it with its settings
    assert published["updates"] != ours["updates"]
    assert [{key for key in plan if plan[key] != published[key]} - {"preset"} for plan in plans.values()] == [
        {"ema"}, {"margin"}, {"network"}, {"batch_size"}, {"flip"},
    ]  # fmt: skip


def test_the_lambdas_are_those_of_the_paper_and_nothing_else_differs():
    plans = [train_config(row.preset, row.settings) for row in LAMBDAS.values()]
    assert [plan.updates["generator"].weights for plan in plans] == [
        {"kl_fake": 1, "match_z": weight} for weight in (500, 1000, 2000)
    ]
    assert len({plan.model_copy(update={"updates": {}}).model_dump_json() for plan in plans}) == 1
    assert plans[1].updates == train_config("age-cifar10").updates
