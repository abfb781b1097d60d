"""A client of Prefect: `python prefect_drive.py http://127.0.0.1:PORT`. Flows are run by Prefect itself, with its own
client; what that never asks for is asked by httpx. Everything is called with three different values at least."""

import datetime
import json
import os
import sys
import time
import uuid

import httpx

api = f"{sys.argv[1]}/api"
os.environ["PREFECT_API_URL"] = api

from prefect import flow, get_client, task  # noqa: E402
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact  # noqa: E402
from prefect.blocks.system import Secret  # noqa: E402
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate  # noqa: E402
from prefect.client.schemas.filters import FlowFilter, FlowFilterName  # noqa: E402
from prefect.logging import get_run_logger  # noqa: E402
from prefect.variables import Variable  # noqa: E402

now = datetime.datetime.now(datetime.timezone.utc)
BIRDS = ("egret", "heron", "stork")
PLANS = (("census", "daily"), ("census", "weekly"), ("inner", "nightly"), ("failing", "nightly"), ("failing", "monthly"))


@task(tags=["wading"], retries=1)
def count(bird: str, legs: int = 2) -> int:
    get_run_logger().info("counting %s", bird)
    return len(bird) * legs


@task
def add(numbers: list[int]) -> int:
    return sum(numbers)


@flow(log_prints=True)
def inner(number: int) -> int:
    print("number", number)
    return number + 1


@flow(description="counts birds")
def census(place: str, birds: list[str]) -> int:
    total = add([count(bird) for bird in birds])
    create_markdown_artifact(f"# {place}", key=f"report-{place}", description="what was counted")
    create_table_artifact([{"bird": bird} for bird in birds], key=f"table-{place}")
    create_link_artifact("https://birds.example/", key=f"link-{place}", link_text="more")
    return inner(total)


@flow
def failing(reason: str) -> None:
    raise ValueError(reason)


def own_client():
    """What Prefect's client asks for."""
    for place in ("marsh", "shore", "lake-side"):
        census(place, list(BIRDS))
        failing(place, return_state=True)
    for index, name in enumerate(("colour", "depth", "place_names")):
        Variable.set(name, (f"value {index}", index, ["a", "b"])[index], tags=["one", "two"][:index])
        Variable.get(name)
        Variable.set(name, f"other {index}", overwrite=True)
        Secret(value=f"not-a-real-{name}").save(f"hidden-{index}")
        Secret.load(f"hidden-{index}")
    with get_client(sync_client=True) as client:
        for index, name in enumerate(("pool-a", "pool-b", "pool-c")):
            client.create_work_pool(WorkPoolCreate(name=name, type="process", description=f"the {index}th"))
            client.read_work_pool(name)
        for index, (of, name) in enumerate(PLANS):
            flow_id = client.create_flow_from_name(of)
            deployment = client.create_deployment(
                flow_id,
                name,
                work_pool_name=f"pool-{'abc'[index % 3]}",
                tags=["planned"],
                entrypoint="birds.py:census",
                description="a plan",
                parameter_openapi_schema={"type": "object", "properties": {"place": {"type": "string"}}},
            )
            client.read_deployment(deployment)
            client.read_deployment_by_name(f"{of}/{name}")
            client.create_flow_run_from_deployment(deployment, parameters={"place": name})
            client.create_concurrency_limit(f"tag-{index}", index + 1)
            client.read_concurrency_limit_by_tag(f"tag-{index}")
            client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=f"slots-{index}", limit=5 + index, slot_decay_per_second=0.5)
            )
            client.read_global_concurrency_limit_by_name(f"slots-{index}")
        client.read_flows(flow_filter=FlowFilter(name=FlowFilterName(any_=["census"])))
        client.read_flow_runs(limit=5)
        client.read_work_pools()
        client.read_global_concurrency_limits(limit=5, offset=0)
        client.read_concurrency_limits(limit=5, offset=0)


class Rest:
    """httpx, which remembers what was answered."""

    def __init__(self):
        self.http = httpx.Client(base_url=api, timeout=60)

    def __call__(self, method, path, body=None, **query):
        for _ in range(20):
            try:
                answer = self.http.request(method, path, json=body, params=query or None)
                if answer.status_code != 503:
                    break
            except httpx.TransportError:
                pass  # It closes the connection behind an error.
            # Its database is being written by someone else.
            time.sleep(0.2)
        if answer.status_code >= 400:
            print(f"{method} {path} {answer.status_code} {answer.text[:200]}", file=sys.stderr)
        try:
            return answer.json()
        except ValueError:
            return None

    def pages(self, path, *filters):
        """A list is asked for as people do: all of it, some of it, and what fits."""
        found = self("POST", f"{path}/filter", {})
        self("POST", f"{path}/filter", {"limit": 2})
        self("POST", f"{path}/filter", {"limit": 3, "offset": 1})
        for one in filters:
            self("POST", f"{path}/filter", one)
        return found

    def counts(self, path, *filters):
        for one in ({}, *filters):
            self("POST", f"{path}/count", one)


def rest():
    """What is asked for by hand."""
    c = Rest()
    for _ in range(3):
        for path in ("/health", "/version", "/hello", "/ready", "/admin/version", "/block_capabilities/"):
            c("GET", path)
    c("GET", "/flow_run_states/", flow_run_id=c("POST", "/flow_runs/filter", {"limit": 1})[0]["id"])

    # Flows, and their runs.
    tagged = {"flows": {"tags": {"all_": ["wading"]}}}
    named = {"flows": {"name": {"any_": ["census", "inner"]}}}
    fresh = []
    for index, bird in enumerate(BIRDS):
        body = {"name": f"{bird}-flow"}
        if index:
            body["tags"] = ["wading", bird]
        if index > 1:
            body["labels"] = {"team": "marsh"}
        fresh.append(c("POST", "/flows/", body)["id"])
        c("GET", f"/flows/name/{bird}-flow")
        c("PATCH", f"/flows/{fresh[-1]}", {"tags": [bird]} if index else {})
        c("GET", f"/flows/{fresh[-1]}")
    flows = c.pages("/flows", tagged, named, {"sort": "NAME_DESC"})
    c.counts("/flows", tagged, named)
    c("POST", "/flows/paginate", {"limit": 2, "page": 1})
    c("POST", "/flows/paginate", {"limit": 2, "page": 2})
    c("POST", "/flows/paginate", named)
    c("POST", "/ui/flows/count-deployments", {"flow_ids": [f["id"] for f in flows]})
    c("POST", "/ui/flows/count-deployments", {"flow_ids": [f["id"] for f in flows[:2]]})
    c("POST", "/ui/flows/next-runs", {"flow_ids": [f["id"] for f in flows]})
    c("POST", "/ui/flows/next-runs", {"flow_ids": [f["id"] for f in flows[2:]]})
    completed = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    late = {"flow_runs": {"name": {"like_": "a"}}, "sort": "START_TIME_DESC"}
    runs = c.pages("/flow_runs", completed, late, named)
    c.counts("/flow_runs", completed, named)
    c("POST", "/flow_runs/lateness", {})
    c("POST", "/flow_runs/lateness", named)
    c("POST", "/flow_runs/paginate", {"limit": 2, "page": 1})
    c("POST", "/flow_runs/paginate", {"limit": 2, "page": 2, "sort": "END_TIME_DESC"})
    c("POST", "/flow_runs/paginate", completed)
    span = {"history_start": (now - datetime.timedelta(hours=1)).isoformat(), "history_end": now.isoformat()}
    for path in ("/flow_runs/history", "/task_runs/history"):
        for seconds in (600, 1200, 1800):
            c("POST", path, {**span, "history_interval_seconds": seconds})
        c("POST", path, {**span, "history_interval_seconds": 900, **named})
    for index in range(3):
        c("POST", "/ui/flow_runs/history", {"limit": 2 + index} if index else {})
    c("POST", "/ui/flow_runs/count-task-runs", {"flow_run_ids": [r["id"] for r in runs]})
    c("POST", "/ui/flow_runs/count-task-runs", {"flow_run_ids": [r["id"] for r in runs[:2]]})
    mine = []
    for index, bird in enumerate(BIRDS):
        body = {"flow_id": fresh[index]}
        if index:
            body |= {"name": f"run-{bird}", "tags": [bird], "parameters": {"legs": 2}}
        if index > 1:
            body |= {"state": {"type": "SCHEDULED", "name": "Late"}, "idempotency_key": f"key-{bird}", "labels": {"a": 1}}
        run = c("POST", "/flow_runs/", body)["id"]
        mine.append(run)
        c("PATCH", f"/flow_runs/{run}", {"name": f"renamed-{bird}"} if index else {"tags": ["x"], "flow_version": "2"})
        c("PATCH", f"/flow_runs/{run}/labels", {"season": bird})
        for name in ("PENDING", "RUNNING"):
            state = {"type": name}
            if index:
                state |= {"name": name.title(), "message": "by hand"}
            c("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True} if index else {"state": state})
        c("POST", f"/flow_runs/{run}/input", {"key": f"key-{bird}", "value": "1"})
        c("POST", f"/flow_runs/{run}/input", {"key": "other", "value": "2", "sender": "me"})
        c("POST", f"/flow_runs/{run}/input/filter", {"prefix": "key"})
        c("POST", f"/flow_runs/{run}/input/filter", {"prefix": "key", "limit": 3})
        c("POST", f"/flow_runs/{run}/input/filter", {"prefix": "o", "exclude_keys": [], "limit": 2})
        c("GET", f"/flow_runs/{run}/input/key-{bird}")
        c("DELETE", f"/flow_runs/{run}/input/key-{bird}")
    for run in runs[:6]:
        c("GET", f"/flow_runs/{run['id']}")
        c("GET", f"/flow_runs/{run['id']}/graph")
        c("GET", f"/flow_runs/{run['id']}/graph-v2")
        c("GET", f"/flow_runs/{run['id']}/logs/download")
        for state in c("GET", "/flow_run_states/", flow_run_id=run["id"]):
            c("GET", f"/flow_run_states/{state['id']}")
    c("POST", "/flow_runs/bulk_set_state", {"flow_runs": {"id": {"any_": mine}}, "state": {"type": "CANCELLED"}, "force": True})
    c("POST", "/flow_runs/bulk_set_state", {"flow_runs": {"id": {"any_": mine[:1]}}, "state": {"type": "CRASHED", "message": "x"}})

    # Tasks.
    tasks = c.pages("/task_runs", completed, {"task_runs": {"tags": {"all_": ["wading"]}}, "sort": "NAME_ASC"})
    c.counts("/task_runs", completed)
    c("POST", "/task_runs/paginate", {"limit": 2, "page": 1})
    c("POST", "/task_runs/paginate", {"limit": 2, "page": 2})
    c("POST", "/task_runs/paginate", completed)
    for run in tasks[:6]:
        c("GET", f"/task_runs/{run['id']}")
        c("GET", f"/ui/task_runs/{run['id']}")
        for state in c("GET", "/task_run_states/", task_run_id=run["id"]):
            c("GET", f"/task_run_states/{state['id']}")
    for _ in range(2):
        c("POST", "/ui/task_runs/count", {})
        c("POST", "/ui/task_runs/dashboard/counts", {"task_runs": {"start_time": {"after_": span["history_start"]}}})
    c("POST", "/ui/task_runs/count", named)
    for index, bird in enumerate(BIRDS):
        body = {"task_key": bird, "dynamic_key": str(index)}
        if index:
            body |= {"flow_run_id": mine[index], "name": f"task-{bird}", "tags": [bird]}
        if index > 1:
            body |= {"task_version": "1", "cache_key": "c", "task_inputs": {"x": [{"input_type": "constant", "type": "int"}]}}
        run = c("POST", "/task_runs/", body)["id"]
        c("PATCH", f"/task_runs/{run}", {"name": f"again-{bird}"})
        for state in ("PENDING", "RUNNING"):
            c("POST", f"/task_runs/{run}/set_state", {"state": {"type": state}} | ({"force": True} if index else {}))
        c("DELETE", f"/task_runs/{run}")

    # Deployments.
    deployments = c.pages("/deployments", named, {"sort": "NAME_DESC"})
    c.counts("/deployments", named)
    c("POST", "/deployments/paginate", {"limit": 1, "page": 1})
    c("POST", "/deployments/paginate", {"limit": 2, "page": 1, "sort": "NAME_ASC"})
    c("POST", "/deployments/paginate", named)
    ids = [deployment["id"] for deployment in deployments]
    for index, one in enumerate(deployments):
        base = f"/deployments/{one['id']}"
        c("GET", base)
        of = next(flow["name"] for flow in flows if flow["id"] == one["flow_id"])
        c("GET", f"/deployments/name/{of}/{one['name']}")
        c("PATCH", base, {"description": f"plan {index}"} if index else {"tags": ["x"], "paused": False})
        plans = [
            {"schedule": {"interval": 3600.0 * (index + 1)}},
            {"schedule": {"cron": "0 6 * * *", "timezone": "UTC"}, "active": True},
            {"schedule": {"rrule": "FREQ=DAILY;INTERVAL=2"}, "active": False},
        ]
        made = c("POST", f"{base}/schedules", plans[: index % 3 + 1])
        c("GET", f"{base}/schedules")
        c("PATCH", f"{base}/schedules/{made[0]['id']}", {"active": True})
        c("POST", f"{base}/schedule", {"max_runs": 2} if index else {})
        c("POST", f"{base}/pause_deployment")
        c("POST", f"{base}/resume_deployment")
        c("POST", f"{base}/create_flow_run", {"parameters": {"place": "here"}, "name": f"by-hand-{index}"} if index else {})
        c("POST", f"{base}/create_flow_run/bulk", [{}, {"name": f"bulk-{index}"}][: index + 1])
        c("GET", f"{base}/work_queue_check")
        c("DELETE", f"{base}/schedules/{made[0]['id']}")
    for index in range(3):
        c("POST", "/deployments/get_scheduled_flow_runs", {"deployment_ids": ids[: index + 1]} | ({"limit": 5} if index else {}))

    # Pools, queues, workers.
    pools = ("pool-a", "pool-b", "pool-c")
    c.pages("/work_pools")
    c.counts("/work_pools", {"work_pools": {"type": {"any_": ["process"]}}})
    for index, pool in enumerate(pools):
        base = f"/work_pools/{pool}"
        c("GET", base)
        c("PATCH", base, {"description": f"pool {index}", "concurrency_limit": 3} if index else {"is_paused": False})
        for bird in BIRDS:
            c("POST", f"{base}/queues", {"name": bird, "priority": 2 + index} if index else {"name": bird})
            c("GET", f"{base}/queues/{bird}")
        c("PATCH", f"{base}/queues/{BIRDS[index]}", {"concurrency_limit": 4} | ({"description": "of birds"} if index else {}))
        for body in ({}, {"limit": 2}, {"offset": 1}):
            c("POST", f"{base}/queues/filter", body)
        c("POST", f"{base}/workers/heartbeat", {"name": f"worker-{index}"} | ({"heartbeat_interval_seconds": 20} if index else {}))
        c("POST", f"{base}/workers/filter", {} if index else {"limit": 3})
        c("POST", f"{base}/get_scheduled_flow_runs", {"limit": 5} if index else {})
        c("POST", f"{base}/concurrency_status", {})
        c("DELETE", f"{base}/workers/worker-{index}")
        c("DELETE", f"{base}/queues/{BIRDS[index - 1]}")
    c("POST", "/task_workers/filter", {})
    for index, bird in enumerate(BIRDS):
        queue = c("POST", "/work_queues/", {"name": f"queue-{bird}"} | ({"description": bird, "concurrency_limit": 2} if index else {}))
        c("GET", f"/work_queues/name/queue-{bird}")
        base = f"/work_queues/{queue['id']}"
        c("GET", base)
        c("PATCH", base, {"is_paused": bool(index)} | ({"description": "d"} if index else {}))
        c("GET", f"{base}/status")
        c("POST", f"{base}/concurrency_status", {})
        c("POST", f"{base}/get_runs", {"limit": 3} if index else {})
    c.pages("/work_queues", {"work_queues": {"name": {"any_": ["queue-egret"]}}})

    # Limits, old and new.
    for index in range(3):
        old = c("POST", "/concurrency_limits/", {"tag": f"old-{index}", "concurrency_limit": index + 2})
        c("GET", f"/concurrency_limits/{old['id']}")
        c("GET", f"/concurrency_limits/tag/old-{index}")
        someone = str(uuid.uuid4())
        c("POST", "/concurrency_limits/increment", {"names": [f"old-{index}"], "task_run_id": someone})
        c("POST", "/concurrency_limits/decrement", {"names": [f"old-{index}"], "task_run_id": someone})
        c("POST", f"/concurrency_limits/tag/old-{index}/reset", {} if index else {"slot_override": []})
        c("DELETE", f"/concurrency_limits/{old['id']}")
        body = {"name": f"new-{index}", "limit": 5}
        made = c("POST", "/v2/concurrency_limits/", body | ({"active": True, "slot_decay_per_second": 0.5} if index else {}))
        c("GET", f"/v2/concurrency_limits/{made['id']}")
        c("GET", f"/v2/concurrency_limits/new-{index}")
        c("PATCH", f"/v2/concurrency_limits/{made['id']}", {"limit": 6} if index else {"active": True})
        names = {"names": [f"new-{index}"], "slots": 1}
        c("POST", "/v2/concurrency_limits/increment", names | ({"mode": "concurrency"} if index else {}))
        c("POST", "/v2/concurrency_limits/decrement", names | ({"occupancy_seconds": 1.5} if index else {}))
        lease = c("POST", "/v2/concurrency_limits/increment-with-lease", names | ({"lease_duration": 60} if index else {}))
        c("POST", f"/v2/concurrency_limits/leases/{lease['lease_id']}/renew", {"lease_duration": 90} if index else {})
        c("POST", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": lease["lease_id"]})
        c("DELETE", f"/v2/concurrency_limits/{made['id']}")
    c.pages("/concurrency_limits")
    c.pages("/v2/concurrency_limits")
    for index in range(3):
        c("DELETE", f"/concurrency_limits/tag/tag-{index}")

    # Blocks.
    kinds = c.pages("/block_types", {"block_types": {"name": {"like_": "s"}}})
    for kind in kinds[:4]:
        c("GET", f"/block_types/{kind['id']}")
        c("GET", f"/block_types/slug/{kind['slug']}")
        c("GET", f"/block_types/slug/{kind['slug']}/block_documents")
    c("GET", "/block_types/slug/secret/block_documents")
    for index in range(3):
        c("GET", f"/block_types/slug/secret/block_documents/name/hidden-{index}")
    for schema in c.pages("/block_schemas")[:4]:
        c("GET", f"/block_schemas/{schema['id']}")
        c("GET", f"/block_schemas/checksum/{schema['checksum']}")
    for index, bird in enumerate(BIRDS):
        body = {"name": f"Kind {bird}", "slug": f"kind-{bird}"}
        kind = c("POST", "/block_types/", body | ({"description": bird, "logo_url": "https://a.example/x.png"} if index else {}))
        c("PATCH", f"/block_types/{kind['id']}", {"description": "changed"} | ({"code_example": "x"} if index else {}))
        fields = {"title": bird, "type": "object", "properties": {"size": {"type": "integer"}}}
        schema = c("POST", "/block_schemas/", {"block_type_id": kind["id"], "fields": fields} | ({"version": "1.0"} if index else {}))
        body = {"block_type_id": kind["id"], "block_schema_id": schema["id"], "data": {"size": index}}
        block = c("POST", "/block_documents/", body | {"name": f"block-{bird}"} if index else body | {"is_anonymous": True})
        c("GET", f"/block_documents/{block['id']}")
        c("PATCH", f"/block_documents/{block['id']}", {"data": {"size": 7}} | ({"merge_existing_data": False} if index else {}))
        c("DELETE", f"/block_documents/{block['id']}")
        c("DELETE", f"/block_schemas/{schema['id']}")
        c("DELETE", f"/block_types/{kind['id']}")
    c.pages("/block_documents", {"include_secrets": False})
    c.counts("/block_documents", {"block_documents": {"is_anonymous": {"eq_": True}}})

    # Variables, searches, artifacts, logs.
    for index, bird in enumerate(BIRDS):
        body = {"name": f"var_{bird}", "value": (bird, index, {"a": 1})[index]}
        made = c("POST", "/variables/", body | ({"tags": [bird]} if index else {}))
        c("GET", f"/variables/{made['id']}")
        c("GET", f"/variables/name/var_{bird}")
        c("PATCH", f"/variables/{made['id']}", {"value": "x"} | ({"tags": ["y"]} if index else {}))
        c("PATCH", f"/variables/name/var_{bird}", {"value": index})
        c("DELETE", f"/variables/{made['id']}")
        c("DELETE", f"/variables/name/{('colour', 'depth', 'place_names')[index]}")
        search = {"name": f"search {bird}"}
        if index:
            search["filters"] = [{"object": "flow", "property": "name", "type": "string", "operation": "eq", "value": bird}]
        made = c("PUT", "/saved_searches/", search)
        c("GET", f"/saved_searches/{made['id']}")
        body = {"key": f"key-{bird}", "type": "markdown", "data": "text"}
        made = c("POST", "/artifacts/", body | ({"description": bird, "metadata_": {"a": "b"}} if index else {}))
        c("GET", f"/artifacts/{made['id']}")
        c("GET", f"/artifacts/key-{bird}/latest")
        c("PATCH", f"/artifacts/{made['id']}", {"description": "d"} | ({"data": "more"} if index else {}))
        line = {"name": bird, "level": 20 + 10 * index, "message": f"a line of {bird}", "timestamp": now.isoformat()}
        c("POST", "/logs/", [line, line | {"flow_run_id": mine[0]}][: index + 1])
    c.pages("/variables", {"variables": {"name": {"like_": "c"}}})
    c.counts("/variables", {"variables": {"name": {"like_": "c"}}})
    for search in c.pages("/saved_searches"):
        c("DELETE", f"/saved_searches/{search['id']}")
    artifacts = c.pages("/artifacts", {"artifacts": {"type": {"any_": ["table"]}}})
    c.pages("/artifacts/latest", {"artifacts": {"type": {"any_": ["table"]}}})
    c.counts("/artifacts", named)
    c.counts("/artifacts/latest", named)
    for artifact in artifacts[:3]:
        c("DELETE", f"/artifacts/{artifact['id']}")
    c.pages("/logs", {"logs": {"level": {"ge_": 30}}, "sort": "TIMESTAMP_DESC"})

    # Events and automations.
    for index, bird in enumerate(BIRDS):
        event = {"occurred": now.isoformat(), "event": f"{bird}.seen", "resource": {"prefect.resource.id": f"bird.{bird}"}}
        event["id"] = str(uuid.uuid4())
        if index:
            event |= {"payload": {"legs": 2}, "related": [{"prefect.resource.id": "place.marsh", "prefect.resource.role": "place"}]}
        c("POST", "/events", [event])
    seen = {"occurred": {"since": span["history_start"], "until": (now + datetime.timedelta(hours=1)).isoformat()}}
    page = c("POST", "/events/filter", {"filter": seen, "limit": 2})
    for _ in range(3):
        if page and page.get("next_page"):
            page = c("GET", page["next_page"])
    c("POST", "/events/filter", {"filter": seen | {"event": {"prefix": ["egret"]}}, "limit": 5})
    c("POST", "/events/filter", {})
    for kind in ("day", "time", "event", "resource"):
        c("POST", f"/events/count-by/{kind}", {"filter": seen} | ({"time_unit": "hour"} if kind == "time" else {}))
    for index, bird in enumerate(BIRDS):
        trigger = {"type": "event", "posture": "Reactive", "expect": [f"{bird}.seen"], "threshold": 1, "within": 0}
        body = {"name": f"when {bird}", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
        made = c("POST", "/automations/", body | ({"description": bird, "enabled": False} if index else {}))
        c("GET", f"/automations/{made['id']}")
        c("PUT", f"/automations/{made['id']}", body | {"description": "changed"})
        c("PATCH", f"/automations/{made['id']}", {"enabled": bool(index)})
        c("GET", f"/automations/related-to/prefect.deployment.{ids[index]}")
        c("DELETE", f"/automations/owned-by/prefect.deployment.{ids[index]}")
    for made in c.pages("/automations", {"sort": "NAME_ASC"}):
        c("DELETE", f"/automations/{made['id']}")
    c.counts("/automations")
    for index in range(3):
        c("POST", "/templates/validate", json.dumps("{{ x }}")[1:-1])
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        c("POST", "/ui/schemas/validate", {"schema": schema, "values": {"a": index}})
        c("POST", "/automations/templates/validate", "{{ event.id }}")

    # What is not needed any more.
    for run in mine:
        c("DELETE", f"/flow_runs/{run}")
    for one in fresh:
        c("DELETE", f"/flows/{one}")
    c("POST", "/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": [run["id"] for run in runs[:2]]}}})
    c("POST", "/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": [run["id"] for run in runs[2:3]]}}, "limit": 5})
    for one in ids:
        c("DELETE", f"/deployments/{one}")
    for queue in c("POST", "/work_queues/filter", {"work_queues": {"name": {"startswith_": ["queue-"]}}}):
        c("DELETE", f"/work_queues/{queue['id']}")
    for pool in pools:
        c("DELETE", f"/work_pools/{pool}")


own_client()
rest()
