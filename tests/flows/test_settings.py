from pathlib import Path

from flows.settings import client_environment, offline_environment, server_environment


def test_nothing_may_phone_home() -> None:
    quiet = offline_environment({})
    assert quiet["DO_NOT_TRACK"] == "true"  # MLflow takes no other word for it
    assert quiet["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert quiet["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert quiet["RAY_USAGE_STATS_ENABLED"] == "0"
    assert quiet["HF_HUB_OFFLINE"] == "1"


def test_a_proxy_is_never_asked_for_loopback() -> None:
    assert offline_environment({})["NO_PROXY"] == "127.0.0.1,localhost"
    assert offline_environment({"NO_PROXY": "corp.example,localhost"})["no_proxy"] == "corp.example,localhost,127.0.0.1"


def test_client_and_server_agree_on_one_port_and_one_absolute_database(tmp_path: Path) -> None:
    client, server = client_environment(tmp_path, 4321), server_environment(tmp_path, 4321, schedules=False)
    assert client["PREFECT_API_URL"] == server["PREFECT_SERVER_UI_API_URL"] == "http://127.0.0.1:4321/api"
    assert server["PREFECT_SERVER_API_PORT"] == "4321"
    assert client["PREFECT_HOME"] == server["PREFECT_HOME"]
    assert server["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == f"sqlite+aiosqlite:///{tmp_path}/prefect/prefect.db"


def test_every_setting_is_one_that_prefect_knows(tmp_path: Path) -> None:
    from prefect.settings import Settings

    known = {name.upper() for field in _environment_names(Settings) for name in field}
    ours = {
        *server_environment(tmp_path, 1, schedules=False),
        *client_environment(tmp_path, 1),
        *offline_environment({}),
    }
    assert {name for name in ours if name.startswith("PREFECT_")} - known == set()


def _environment_names(model: type, prefix: str = "PREFECT_") -> list[set[str]]:
    names = []
    for name, field in model.model_fields.items():
        nested = field.annotation if isinstance(field.annotation, type) else None
        if nested and hasattr(nested, "model_fields"):
            names += _environment_names(nested, f"{prefix}{name}_")
        else:
            names.append({f"{prefix}{name}"})
    return names


def test_schedules_switch_the_deployment_services_on(tmp_path: Path) -> None:
    name = "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED"
    assert server_environment(tmp_path, 1, schedules=False)[name] == "false"
    assert name not in server_environment(tmp_path, 1, schedules=True)
