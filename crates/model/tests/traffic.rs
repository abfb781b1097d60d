//! Traffic of APIs that nobody here wrote a server for: what their templates, parameters and schemas must be, and which
//! places must not become one.

#![expect(clippy::expect_used, reason = "what is written in a test is there")]

mod play;

use egret_model::{Checker, Document, Hint, Options};

use play::{Call, get, learned, numbered, play, send, templates};

fn json(calls: Vec<Call>) -> serde_json::Value {
    let description = learned(&numbered(calls)).describe(&Options::default()).expect("something was seen");
    let text = description.document().to_json();
    oas3::from_json(text.as_str()).expect("it is OpenAPI");
    serde_json::from_str(&text).expect("it is JSON")
}

fn paths(calls: &[Call], options: &Options) -> Vec<String> {
    let description = learned(&numbered(calls.to_vec())).describe(options).expect("something was seen");
    description.operations().map(|(method, path)| format!("{} {path}", method.name())).collect()
}

const USER: &str = r#"{"id": 1, "name": "x", "mail": "a@b.example"}"#;
const REPORT: &str = r#"{"total": 1, "open": 2, "closed": 3}"#;

#[test]
fn names_are_values_where_they_answer_alike_and_places_where_not() {
    let mut calls: Vec<_> =
        ["alice", "bob", "carol"].map(|name| get(&format!("/users/{name}"), 200, USER)).into();
    // As many names, uncommon ones too, with another shape: places, whatever they are called.
    calls.extend(["xyzzy", "frobnicate"].map(|name| get(&format!("/users/{name}"), 200, REPORT)));
    // Nobody asked what it is, only to be rid of it.
    calls.push(Call { method: "DELETE", answered_as: "text/plain", ..get("/users/mallory", 204, "") });
    assert_eq!(
        templates(calls),
        ["GET /users/frobnicate", "GET /users/xyzzy", "GET /users/{userName}", "DELETE /users/{userName}"]
            .map(str::to_owned)
    );
}

#[test]
fn two_shapes_at_one_place_never_become_one_parameter() {
    let users = ["alice", "bob", "carol", "dan"].map(|name| get(&format!("/x/{name}"), 200, USER));
    let reports = ["lorem", "ipsum", "dolor"].map(|name| get(&format!("/x/{name}"), 200, REPORT));
    let calls: Vec<_> = users.into_iter().chain(reports).collect();
    assert_eq!(templates(calls.clone()), ["GET /x/dolor", "GET /x/ipsum", "GET /x/lorem", "GET /x/{xName}"]);
    let numbers = (1..9).map(|id| get(&format!("/x/{id}"), 200, r#"{"a": 1, "b": 2, "c": 3}"#));
    let all: Vec<_> = calls.into_iter().chain(numbers).collect();
    assert_eq!(templates(all).len(), 8, "numbers are values, and what answers otherwise is none of them");
    // What is below speaks too, where the places themselves say nothing.
    let below = ["lorem", "ipsum", "dolor"].iter().enumerate().map(|(number, name)| {
        get(&format!("/y/{name}/summary"), 200, if number == 1 { REPORT } else { USER })
    });
    assert_eq!(templates(below.collect()).len(), 3);
}

#[test]
fn slugs_with_digits_are_values_without_a_schema_too() {
    let page = |path: &str| Call { answered_as: "text/html", ..get(path, 200, "<p>") };
    let slugs = ["great-egret-2041", "snowy-egret-0077", "little-egret-11934"];
    let calls: Vec<_> = slugs.iter().map(|slug| page(&format!("/articles/{slug}"))).collect();
    assert_eq!(templates(calls), ["GET /articles/{articleName}"]);
    assert_eq!(
        templates(slugs[..2].iter().map(|slug| page(&format!("/articles/{slug}"))).collect()).len(),
        2
    );
    let words = ["about", "team", "jobs", "imprint"];
    assert_eq!(templates(words.iter().map(|word| page(&format!("/pages/{word}"))).collect()).len(), 4);
    let short = ["k8s", "i18n", "2fa", "3d"];
    let calls = short.iter().map(|name| get(&format!("/api/{name}/of-{name}"), 200, "[]"));
    assert_eq!(templates(calls.collect()).len(), 4, "short names are names");
}

#[test]
fn what_stands_behind_the_name_of_a_field_is_its_value() {
    let thing = |value: &str| format!(r#"{{"id": 1, "colour": {value}}}"#);
    let at = |path: &str| {
        let answers = [("daily", "7"), ("weekly", "8")];
        templates(answers.map(|(word, value)| get(&format!("{path}/{word}"), 200, &thing(value))).into())
    };
    for place in ["name", "tag", "by-colour", "count-by"] {
        let found = at(&format!("/things/{place}"));
        assert!(found.len() == 1 && found[0].contains('{'), "{found:?}");
    }
    assert_eq!(at("/things/group").len(), 2);
    // But not if they answer otherwise, and never one.
    let calls = vec![get("/t/name/lorem", 200, USER), get("/t/name/ipsum", 200, REPORT)];
    assert_eq!(templates(calls), ["GET /t/name/ipsum", "GET /t/name/lorem"]);
    assert_eq!(templates(vec![get("/t/name/lorem", 200, USER)]), ["GET /t/name/lorem"]);
}

#[test]
fn common_words_are_values_where_they_are_called_so_in_the_answer() {
    let words = ["daily", "weekly", "monthly"];
    let at = |field: &str| {
        let calls = words.map(|word| {
            get(&format!("/plans/{word}"), 200, &format!(r#"{{"{field}": "{word}", "runs": 1, "late": 0}}"#))
        });
        templates(calls.into())
    };
    assert_eq!(at("title"), ["GET /plans/{planName}"]);
    // The sort of a thing is not what it is called.
    assert_eq!(at("type").len(), 3);
    // Among names that are not common, one that is stays a place unless it is called so.
    let calls = |summary: &str| {
        let names = ["alice", "bob", "carol"].map(|name| get(&format!("/users/{name}"), 200, USER));
        templates(names.into_iter().chain([get("/users/summary", 200, summary)]).collect())
    };
    assert_eq!(calls(USER), ["GET /users/summary", "GET /users/{userName}"]);
    let settings = ["theme", "font", "colour-scheme"].iter().flat_map(|name| {
        let path = format!("/settings/{name}");
        [get(&path, 200, USER), send("PUT", &path, USER, USER)]
    });
    assert_eq!(
        templates(settings.collect()),
        ["GET /settings/{settingName}", "PUT /settings/{settingName}"],
        "what can be changed as its siblings can is one of them"
    );
    assert_eq!(calls(&USER.replace("\"x\"", "\"summary\"")), ["GET /users/{userName}"]);
}

#[test]
fn what_clients_leave_out_tells_no_places_apart() {
    // Each changes something else.
    let calls = [r#"{"open": true}"#, r#"{"note": "x", "size": 3}"#, r#"{"colour": "red"}"#];
    let names = ["pool-a", "pool-b", "pool-c"];
    let changes = names.iter().zip(calls).flat_map(|(name, change)| {
        let path = format!("/pools/{name}");
        [get(&path, 200, USER), Call { status: 204, ..send("PATCH", &path, change, "") }]
    });
    assert_eq!(templates(changes.collect()), ["GET /pools/{poolName}", "PATCH /pools/{poolName}"]);
    // Below the same name, each asks for something else; and more or less of the same at the places themselves.
    let asks = [r#"{"limit": 1}"#, r#"{"since": "x"}"#, r#"{"tags": ["x"]}"#];
    let made =
        [r#"{"name": "x"}"#, r#"{"name": "x", "size": 1, "colour": "red"}"#, r#"{"name": "x", "note": "y"}"#];
    let calls = names.iter().zip(asks).zip(made).flat_map(|((name, ask), made)| {
        let path = format!("/pools/{name}");
        [
            get(&path, 200, USER),
            send("POST", &path, made, USER),
            send("POST", &format!("{path}/runs"), ask, "[]"),
        ]
    });
    assert_eq!(
        templates(calls.collect()),
        ["GET /pools/{poolName}", "POST /pools/{poolName}", "POST /pools/{poolName}/runs"]
    );
    let below = names.iter().zip(asks);
    let below = below.map(|(name, ask)| send("POST", &format!("/teams/{name}/runs"), ask, "[]"));
    assert_eq!(templates(below.collect()), ["POST /teams/{teamName}/runs"]);
    // What has different names and is asked for different things is two places.
    let calls = [
        ("grow", r#"{"by": 1, "of": "x"}"#),
        ("paint", r#"{"red": 1, "blue": 2}"#),
        ("weigh", r#"{"kg": 1}"#),
    ];
    let calls =
        calls.map(|(name, sent)| Call { status: 204, ..send("POST", &format!("/pools/{name}"), sent, "") });
    assert_eq!(templates(calls.into()).len(), 3);
}

#[test]
fn what_was_empty_and_what_may_be_anything_tells_no_places_apart() {
    let values = [r#""x""#, "7", r#"{"a": 1, "b": 2}"#, r#"["x"]"#, "null"];
    let tags = ["[]", r#"["x"]"#, r#"["x", "y"]"#, "[]", "[]"];
    let names = ["lorem", "ipsum", "dolor", "amet", "elit"];
    let calls = names.iter().zip(values).zip(tags).map(|((name, value), tags)| {
        let body = format!(
            r#"{{"id": 1, "made": "x", "changed": "x", "value": {value}, "tags": {tags}, "of": "x"}}"#
        );
        get(&format!("/settings/{name}"), 200, &body)
    });
    assert_eq!(templates(calls.collect()), ["GET /settings/{settingName}"]);
    let few = names.iter().zip(values).map(|(name, value)| {
        get(
            &format!("/flags/{name}"),
            200,
            &format!(r#"{{"id": 1, "made": "x", "value": {value}, "of": "x"}}"#),
        )
    });
    assert_eq!(templates(few.collect()), ["GET /flags/{flagName}"], "a field of another type differs once");
    // That there are objects says nothing, if nothing is known of them.
    let empty =
        names.map(|name| get(&format!("/e/{name}"), 200, r#"{"data": {"a": null}, "links": {"b": null}}"#));
    assert_eq!(templates(empty.into()).len(), 5);
    let items = ["[]", r#"[{"a": 1, "b": 2, "c": "x", "d": "y"}]"#, "null"];
    let carts = names.iter().zip(items).map(|(name, items)| {
        get(&format!("/carts/{name}"), 200, &format!(r#"{{"id": 1, "of": "x", "items": {items}}}"#))
    });
    assert_eq!(templates(carts.collect()), ["GET /carts/{cartName}"]);
}

#[test]
fn items_are_told_from_actions_beside_them() {
    // What can be read and taken away is an item, whatever it holds.
    let items = ["key-a", "key-b", "key-c"].iter().flat_map(|name| {
        let path = format!("/runs/7/input/{name}");
        [get(&path, 200, "1"), Call { method: "DELETE", ..get(&path, 204, "") }]
    });
    assert_eq!(
        templates(items.collect()),
        ["GET /runs/{runId}/input/{inputName}", "DELETE /runs/{runId}/input/{inputName}"]
    );
    // One name with numbers behind it is one of many, though nothing is answered.
    let gone = |name: &str| Call {
        method: "DELETE",
        answered_as: "text/plain",
        ..get(&format!("/w/{name}"), 204, "")
    };
    assert_eq!(templates(["worker-0", "worker-1", "worker-2"].map(gone).into()), ["DELETE /w/{wName}"]);
    assert_eq!(templates(["worker-a", "farmer-b", "miller-c"].map(gone).into()).len(), 3);
    // What is only posted to beside items is none, nor what only has places below it.
    let mut calls: Vec<_> =
        ["alpha", "bravo", "gamma"].map(|name| get(&format!("/limits/{name}"), 200, USER)).into();
    calls.push(Call {
        status: 204,
        ..send("POST", "/limits/increment", r#"{"slots": 1, "names": ["x"]}"#, "")
    });
    calls.push(Call { status: 204, ..send("POST", "/limits/leases/7/renew", r#"{"slots": 1}"#, "") });
    assert_eq!(
        templates(calls),
        ["POST /limits/increment", "POST /limits/leases/{leaseId}/renew", "GET /limits/{limitName}"]
    );
}

#[test]
fn what_becomes_another_protocol_is_no_operation() {
    let socket =
        Call { headers: "Connection: Upgrade\r\nUpgrade: websocket\r\n".into(), ..get("/events", 101, "") };
    assert_eq!(templates(vec![get("/users", 200, "[]"), socket]), ["GET /users"]);
}

#[test]
fn identifiers_are_values_by_their_looks() {
    for (segment, name) in [
        ("0189a6f0-4d1c-7b52-8f3a-000000000001", "thingId"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "thingId"),
        ("507f1f77bcf86cd799439011", "thingId"),
        ("d41d8cd98f00b204e9800998ecf8427e", "thingId"),
        ("cus_9s6XKzkNRiz8i3", "thingId"),
        ("-7", "thingId"),
        ("2026-11-05", "date"),
        ("2026-11-05T08:00:00Z", "date"),
        ("heron@example.com", "email"),
        ("10.0.0.1", "thingName"),
        ("a%20b", "thingName"),
    ] {
        assert_eq!(
            templates(vec![get(&format!("/things/{segment}"), 200, "{}")]),
            [format!("GET /things/{{{name}}}")]
        );
    }
    for word in ["api", "v1", "v1beta1", "me", "search", "export", "new", "_search", ".well-known", "latest"]
    {
        let mut calls: Vec<_> =
            ["alice", "bob", "carol"].map(|name| get(&format!("/u/{name}"), 200, USER)).into();
        calls.push(get(&format!("/u/{word}"), 200, USER));
        assert_eq!(templates(calls), [format!("GET /u/{word}"), "GET /u/{uName}".into()]);
    }
}

#[test]
fn versions_are_places() {
    let at =
        |prefix: &str| (1..5).map(|id| get(&format!("{prefix}/movie/{id}"), 200, USER)).collect::<Vec<_>>();
    for prefix in ["/3", "/2.0", "/api/2", "/rest/api/3", "/api/1.1", "/v1.2", "/api/v2beta1"] {
        assert_eq!(templates(at(prefix)), [format!("GET {prefix}/movie/{{movieId}}")]);
    }
    assert_eq!(templates([at("/api/1.0"), at("/api/1.1")].concat()).len(), 2);
    assert_eq!(templates(vec![get("/teams/3/movie", 200, USER)]), ["GET /teams/{teamId}/movie"]);
    // What was refused below a version is refused of it.
    let mut calls = at("/3");
    calls.push(get("/3/movie/99", 404, "{}"));
    assert!(json(calls)["paths"]["/3/movie/{movieId}"]["get"]["responses"]["404"].is_object());
}

#[test]
fn locales_in_front_are_one_parameter() {
    let calls = ["en", "de", "pt-BR"].iter().flat_map(|locale| {
        [
            get(&format!("/{locale}/articles/17"), 200, USER),
            get(&format!("/{locale}/articles"), 200, &format!("[{USER}]")),
        ]
    });
    assert_eq!(templates(calls.collect()), ["GET /{locale}/articles", "GET /{locale}/articles/{articleId}"]);
    // Two words are no languages, and two languages that answer otherwise are no locale.
    let calls = ["us", "xx"].map(|word| get(&format!("/{word}/articles/17"), 200, USER));
    assert_eq!(templates(calls.into()).len(), 2);
    let calls = [get("/no/articles", 200, USER), get("/is/articles", 200, REPORT)];
    assert_eq!(templates(calls.into()).len(), 2);
}

#[test]
fn words_in_other_alphabets_are_words() {
    let segment = |word: &str| word.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let path = format!("/{}/{}", segment("größe"), segment("поиск"));
    assert_eq!(templates(vec![get(&path, 200, "{}")]), ["GET /größe/поиск"]);
    let calls = ["Müller", "Jürgen", "Zoë"].map(|name| get(&format!("/users/{}", segment(name)), 200, USER));
    assert_eq!(templates(calls.into()), ["GET /users/{userName}"]);
}

#[test]
fn what_is_deep_is_told_level_by_level() {
    let calls = (1..5).flat_map(|n| {
        let base = format!("/api/v1/orgs/acme{n}/projects/{n}/files/2026-11-0{n}");
        [
            get(&base, 200, USER),
            get(&format!("{base}/raw"), 200, REPORT),
            get("/api/v1/orgs/search", 200, "[]"),
        ]
    });
    assert_eq!(
        templates(calls.collect()),
        [
            "GET /api/v1/orgs/search",
            "GET /api/v1/orgs/{orgName}/projects/{projectId}/files/{date}",
            "GET /api/v1/orgs/{orgName}/projects/{projectId}/files/{date}/raw",
        ]
    );
    let calls = vec![get("/a/1/a/2/a/3", 200, "{}")];
    assert_eq!(templates(calls), ["GET /a/{aId}/a/{aId2}/a/{aId3}"]);
}

#[test]
fn one_endpoint_for_everything_is_one_operation() {
    let ask = |query: &str, data: &str| {
        send(
            "POST",
            "/graphql",
            &format!(r#"{{"query": "{query}", "variables": {{"id": 1}}}}"#),
            &format!(r#"{{"data": {data}}}"#),
        )
    };
    let calls: Vec<_> = (0..12)
        .map(|n| match n % 3 {
            0 => ask("{a}", r#"{"user": {"id": 1}}"#),
            1 => ask("{b}", r#"{"posts": []}"#),
            _ => ask("{c}", "null"),
        })
        .collect();
    assert_eq!(templates(calls.clone()), ["POST /graphql"]);
    let document = json(calls);
    let data = &document["paths"]["/graphql"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        ["properties"]["data"];
    assert!(data.to_string().contains("null") && data.to_string().contains("posts"), "{data}");
}

#[test]
fn hints_decide_for_all_that_was_seen_in_any_order() {
    let calls: Vec<_> = ["alice", "bob", "carol", "zebra"]
        .iter()
        .flat_map(|name| {
            [get(&format!("/users/{name}"), 200, USER), get(&format!("/users/{name}/pets"), 200, "[]")]
        })
        .collect();
    let hints = |all: &[&str]| Options {
        hints: all.iter().map(|hint| hint.parse::<Hint>().unwrap()).collect(),
        ..Options::default()
    };
    let expected = ["GET /users/zebra", "GET /users/zebra/pets", "GET /users/{who}", "GET /users/{who}/pets"];
    assert_eq!(paths(&calls, &hints(&["/users/{who}/**", "/users/^zebra"])), expected);
    assert_eq!(paths(&calls, &hints(&["/users/^zebra", "/users/{who}"])), expected);
    assert_eq!(paths(&calls, &hints(&["/*/{who}"])).len(), 2);
    let kept = paths(&calls, &hints(&["/users/^zebra"]));
    assert_eq!(
        kept,
        ["GET /users/zebra", "GET /users/zebra/pets", "GET /users/{userName}", "GET /users/{userName}/pets"]
    );
    let numbers = vec![get("/n/1", 200, USER), get("/n/2", 200, USER)];
    assert_eq!(paths(&numbers, &hints(&["/n/{number}"])), ["GET /n/{number}"]);
}

#[test]
fn parameters_say_what_was_seen_of_them() {
    let call = |number: u64| Call {
        headers: format!(
            "X-Tenant: t{number}\r\nX-Part: a\r\nX-Part: b\r\nCookie: theme=dark; theme=light\r\n"
        ),
        ..get(
            &format!("/list?limit={number}&sort={}&tag=a&tag=b", ["up", "down"][number as usize % 2]),
            200,
            "[]",
        )
    };
    let mut calls: Vec<_> = (1..20).map(call).collect();
    calls.push(Call { headers: "X-Tenant: t9\r\n".into(), ..get("/list?limit=5", 200, "[]") });
    calls.push(get("/list?limit=broken&bogus=1", 422, "{}"));
    let document = json(calls);
    let parameters = document["paths"]["/list"]["get"]["parameters"].as_array().unwrap().clone();
    let of = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name).unwrap().clone();
    assert_eq!(of("limit")["schema"], serde_json::json!({"type": "integer", "x-egret-range": "1..19"}));
    assert_eq!(
        (of("limit")["required"].clone(), of("limit")["x-egret-count"].clone()),
        (true.into(), 20.into())
    );
    assert_eq!(of("sort")["required"], false);
    assert_eq!(of("sort")["schema"]["enum"], serde_json::json!(["down", "up"]));
    assert_eq!(of("tag")["schema"]["type"], "array");
    // A field that comes twice is in the call once.
    assert_eq!(
        (of("x-part")["x-egret-count"].clone(), of("theme")["x-egret-count"].clone()),
        (19.into(), 19.into())
    );
    assert_eq!(of("x-tenant")["required"], true);
    assert!(
        !parameters.iter().any(|parameter| parameter["name"] == "bogus"),
        "refused calls ask for nothing"
    );
}

#[test]
fn credentials_are_told_by_their_schemes_together() {
    let with = |headers: &str, target: &str| Call { headers: headers.into(), ..get(target, 200, "[]") };
    let jwt = "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.canary\r\n";
    let document = json(vec![
        with(jwt, "/a"),
        with("Authorization: Basic canary\r\n", "/a"),
        with("X-Api-Key: canary\r\nCookie: sid=canary\r\n", "/b"),
        with("X-Api-Key: canary\r\n", "/b"),
        with(jwt, "/c"),
        with("", "/c"),
        with("X_Api_Key: canary\r\n", "/d?api_key=canary"),
        with("", "/e"),
    ]);
    let of = |path: &str| document["paths"][path]["get"]["security"].to_string();
    assert_eq!(of("/a"), r#"[{"http-basic":[]},{"http-bearer-JWT":[]}]"#);
    assert_eq!(of("/b"), r#"[{"header-x-api-key":[]}]"#);
    assert_eq!(of("/c"), r#"[{"http-bearer-JWT":[]},{}]"#);
    assert_eq!(of("/d"), r#"[{"header-x-api-key2":[],"query-api-key":[]}]"#);
    assert_eq!(of("/e"), "null");
    assert_eq!(document["components"]["securitySchemes"]["http-bearer-JWT"]["bearerFormat"], "JWT");
    assert!(!document.to_string().contains("canary"));
}

#[test]
fn what_is_negotiated_is_told_by_media_type() {
    let ask = |accept: &str, answered_as: &'static str| Call {
        headers: format!("Accept: {accept}\r\n"),
        answered_as,
        ..get("/r", 200, "{}")
    };
    let document = json(vec![
        ask("text/csv, */*;q=0.1", "text/csv"),
        ask("TEXT/CSV;q=1", "text/csv"),
        ask("*/*", "application/json"),
        ask("application/xml", "application/json"),
    ]);
    let content = &document["paths"]["/r"]["get"]["responses"]["200"]["content"];
    assert_eq!(content["text/csv"]["x-egret-asked-for"], 2);
    assert!(content["application/json"]["x-egret-asked-for"].is_null());
}

#[test]
fn bodies_are_described_by_what_they_are() {
    let form = Call {
        sent_as: "application/x-www-form-urlencoded",
        ..send("POST", "/form", "name=heron&age=7&tag=a&tag=b&day=2026-11-05", "{}")
    };
    let parts = "--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nEgret\r\n--x\r\n\
        Content-Disposition: form-data; name=\"photo\"; filename=\"e.jpg\"\r\n\r\nbytes\r\n--x--\r\n";
    let multipart =
        Call { sent_as: "multipart/form-data; boundary=x", ..send("POST", "/parts", parts, "{}") };
    let xml = Call { sent_as: "application/xml", ..send("POST", "/xml", "<a/>", "{}") };
    let pets = (0..8).map(|n| {
        let pet =
            if n % 2 == 0 { r#"{"kind": "cat", "lives": 9}"# } else { r#"{"kind": "fish", "fins": 2}"# };
        send("POST", "/pets", pet, "{}")
    });
    let maps = (0..20).map(|n| {
        get(
            "/map",
            200,
            &format!(
                r#"{{"0189a6f0-4d1c-7b52-8f3a-0000000000{n:02}": {{"n": {n}}}, "user-{n}99": {{"n": 1}}}}"#
            ),
        )
    });
    let mixed =
        ["1", "\"x\"", "[1]", "{\"a\": 1}"].map(|body| get("/mixed", 200, &format!(r#"{{"v": {body}}}"#)));
    let document = json([form, multipart, xml].into_iter().chain(pets).chain(maps).chain(mixed).collect());
    let sent = |path: &str, media: &str| {
        document["paths"][path]["post"]["requestBody"]["content"][media]["schema"].clone()
    };
    let form = sent("/form", "application/x-www-form-urlencoded");
    assert_eq!(form["properties"]["age"]["type"], "integer");
    assert_eq!(form["properties"]["tag"]["type"], "array");
    assert_eq!(form["properties"]["day"]["format"], "date");
    let parts = sent("/parts", "multipart/form-data");
    assert_eq!(parts["properties"]["photo"]["format"], "binary");
    assert!(document["paths"]["/xml"]["post"]["requestBody"]["content"]["application/xml"].is_object());
    let sorts = sent("/pets", "application/json");
    assert_eq!(sorts["oneOf"].as_array().map(Vec::len), Some(2), "{sorts}");
    assert_eq!(sorts["oneOf"][0]["required"], serde_json::json!(["fins", "kind"]));
    let answered = |path: &str| {
        document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"].clone()
    };
    let map = answered("/map");
    assert!(
        map["properties"].is_null() && map["additionalProperties"]["properties"]["n"].is_object(),
        "{map}"
    );
    let mixed = answered("/mixed");
    assert_eq!(mixed["properties"]["v"]["oneOf"].as_array().map(Vec::len), Some(3), "{mixed}");
}

#[test]
fn names_in_a_document_are_never_given_twice() {
    let shape = |name: &str, n: u64| format!(r#"{{"id": {n}, "{name}": "x"}}"#);
    let of = |path: &str, name: &str| get(path, 200, &shape(name, 1));
    let document = json(vec![
        of("/order-items", "a"),
        of("/orderItems", "a"),
        of("/user/user2", "b"),
        of("/x/user2", "b"),
        of("/user", "c"),
        of("/z/user", "c"),
        of("/y/user", "d"),
        of("/w/user", "d"),
        of("/%C3%A9/user", "d"),
    ]);
    let text = document.to_string();
    let ids: Vec<_> = text.split("\"operationId\":\"").skip(1).map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert_eq!(schemas.len(), 4, "{schemas:?}");
}

#[test]
fn where_a_field_is_not_is_told_with_the_exchange() {
    let calls = [r#"{"a": 1, "b": null}"#, r#"{"a": 2}"#, r#"{"a": 3, "b": "x"}"#];
    let model = learned(&numbered(calls.iter().map(|body| get("/u", 200, body)).collect()));
    let claims = model.explain(&Options::default(), egret_model::Method::Get, "/u", Some("b"));
    let shown: Vec<_> = claims
        .iter()
        .map(|claim| {
            (
                claim.text.as_str(),
                claim.witnesses.iter().map(|witness| witness.connection).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].0.contains("is optional: in 2 of 3 objects; 1 null, 1 string"), "{shown:?}");
    assert_eq!(shown[0].1, [0, 2], "an exchange for each type");
    assert_eq!(shown[1], ("200 application/json b is not in 1 objects", vec![1]));
}

#[test]
fn no_secret_is_in_anything_that_is_written() {
    const CANARY: &str = "xK9qZ2mB7canary4Tq8";
    let secret = |n: u64| Call {
        headers: format!(
            "Authorization: Bearer {CANARY}\r\nX-Api-Key: {CANARY}\r\nX-Auth-Token: {CANARY}\r\nX-Csrf-Token: {CANARY}\r\n\
             Cookie: sid={CANARY}; PHPSESSID={CANARY}; csrf={CANARY}\r\n"
        ),
        ..send(
            "POST",
            &format!(
                "/reset/{CANARY}/bot{n}00:{CANARY}?token={CANARY}&api_key={CANARY}&code={CANARY}&password=swordfish"
            ),
            &format!(
                r#"{{"password": "swordfish", "pin": 4711, "otp": 815815, "client_secret": {{"value": "swordfish"}},
                "tokens": ["swordfish"], "creditCardNumber": "4111", "plain": "{CANARY}",
                "key": "swordfish", "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.canary", "{CANARY}": 1}}"#
            ),
            &format!(
                r#"{{"access_token": "{CANARY}", "sessionId": "swordfish", "ghp": "ghp_0123456789abcdefcanary"}}"#
            ),
        )
    };
    let calls = numbered((0..20).map(secret).collect());
    for mut model in [egret_model::Model::default(), egret_model::Model::with_examples()] {
        for (number, call) in &calls {
            play(*number, call, |exchange| model.observe("a.pcap", exchange));
        }
        let description = model.describe(&Options::default()).unwrap();
        let mut written =
            vec![String::from_utf8(model.to_bytes()).unwrap(), description.document().to_yaml()];
        let (method, path) = description.operations().next().unwrap();
        for field in [None, Some("password"), Some("pin"), Some("tokens[]"), Some("token")] {
            let claims = model.explain(&Options::default(), method, &path, field);
            written.extend(claims.into_iter().map(|claim| claim.text));
        }
        for text in written {
            for found in ["canary", "swordfish", "4711", "815815", "4111"] {
                assert!(!text.contains(found), "{found} in {text}");
            }
        }
    }
}

#[test]
fn calls_are_held_against_parameters_of_every_place() {
    let document = Document::parse(
        r#"{"openapi": "3.1.0", "servers": [{"url": "http://api.example/base"}], "paths": {"/u/{id}/{day}": {
            "parameters": [{"name": "q", "in": "query", "required": true},
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "maximum": 9}}],
            "get": {"parameters": [{"name": "q", "in": "query"},
                {"name": "day", "in": "path", "required": true, "schema": {"type": "string", "format": "date"}},
                {"name": "X-Part", "in": "header", "required": true, "schema": {"type": "integer"}},
                {"name": "Accept", "in": "header", "required": true},
                {"name": "theme", "in": "cookie", "required": true, "schema": {"enum": ["dark"]}}],
                "responses": {"200": {"description": ""}}},
            "post": {"requestBody": {"required": true, "content": {"application/json": {}}},
                "responses": {"default": {"description": ""}}}},
            "/u/{id}/all": {"get": {"responses": {"2XX": {"description": ""}}}}}}"#,
    );
    let with = |headers: &str, target: &str| Call { headers: headers.into(), ..get(target, 200, "{}") };
    let mut checker = Checker::new(document.unwrap());
    for (number, call) in numbered(vec![
        with("X-Part: 1\r\nCookie: a=b; theme=dark\r\n", "/base/u/7/2026-11-05"),
        with("X-Part: one\r\nCookie: theme=light\r\n", "/base/u/77/today?x=1"),
        with("", "/u/7/2026-11-05"),
        with("", "/base/u/7/all"),
        Call { method: "POST", ..get("/u/7/2026-11-05?q=1", 200, "{}") },
        Call { status: 422, ..send("POST", "/u/x/y?z=1", "{}", "{}") },
    ]) {
        play(number, &call, |exchange| checker.observe("a.pcap", exchange));
    }
    let report = checker.report();
    let found: Vec<_> = report.violations.iter().map(|one| format!("{} {}", one.place, one.what)).collect();
    let at = "/u/{id}/{day}";
    assert_eq!(
        found,
        [
            format!("GET {at} cookie theme is none of the values of its enum"),
            format!("GET {at} cookie theme is required and missing"),
            format!("GET {at} header X-Part is required and missing"),
            format!("GET {at} header X-Part is string, not integer"),
            format!("GET {at} path day is not of its format"),
            format!("GET {at} path id is more than 9"),
            format!("GET {at} query x is not described"),
            format!("POST {at} request body is required and missing"),
        ]
    );
    assert_eq!((report.seen, report.operations), (3, 3));
}
