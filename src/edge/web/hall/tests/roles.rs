//! Who may what: every route with every role.

use std::collections::BTreeSet;

use super::*;
use crate::edge::web::hall::gate::Who;
use crate::edge::web::hall::routes;
use crate::edge::web::openapi;

/// A path that stands for one of the router.
fn example(path: &str) -> String {
    path.replace("{*file}", "style.css")
        .replace("{show}", "1")
        .replace("{pin}", "1")
        .replace("{draw}", "1")
        .replace("{name}", "nobody")
        .replace("{viewer}", "77777")
        .replace("{id}", "none")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_asks_for_its_role() {
    let bench = Bench::new().await;
    let all = [
        None,
        Some(Role::Viewer),
        Some(Role::Moderator),
        Some(Role::Owner),
    ];
    for route in routes::all() {
        for role in all {
            // A new browser each time: some routes end sessions.
            let mut browser = match role {
                None => bench.nobody(),
                Some(role) => bench.staff(role),
            };
            let path = example(route.path);
            let method = route.method.word();
            // Nothing that could be done with it: an empty object, which no body may be.
            let kind = "Content-Type: application/json\r\nX-Boothcast: 1\r\n";
            let reply = browser
                .ask(
                    method,
                    &path,
                    kind,
                    if method == "POST" { "{}" } else { "" },
                )
                .await;
            let may = match route.who {
                Who::Anyone => true,
                Who::Viewer | Who::Account => role.is_some(),
                Who::Moderator => role >= Some(Role::Moderator),
                Who::Owner => role >= Some(Role::Owner),
            };
            let said = format!(
                "{method} {path} as {role:?}: {} {}",
                reply.status, reply.body
            );
            let refused = match reply.status {
                // The login asks for a right password, the shop for its signature: not of the gate.
                401 => !matches!(reply.code().as_str(), "wrong-password" | "bad-signature"),
                403 => reply.code() == "forbidden",
                303 => reply
                    .header("location")
                    .is_some_and(|l| l.starts_with("/login")),
                _ => false,
            };
            assert_eq!(refused, !may, "{said}");
            assert!(reply.status != 0 && reply.status != 500, "{said}");
        }
    }
    assert!(
        bench
            .commands
            .lock()
            .unwrap()
            .iter()
            .all(|c| matches!(c, Command::Logs { .. } | Command::Snapshot { .. }))
    );
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routes_are_those_of_the_document() {
    let served: BTreeSet<(String, String)> = routes::all()
        .iter()
        .map(|r| (r.method.word().to_owned(), r.path.to_owned()))
        .collect();
    let written: BTreeSet<(String, String)> = openapi::ROUTES
        .iter()
        .map(|r| (r.method.word().to_owned(), r.matched()))
        .collect();
    assert_eq!(served, written);
    for route in openapi::ROUTES {
        let ours = routes::all();
        let ours = ours
            .iter()
            .find(|r| r.method == route.method && r.path == route.matched())
            .unwrap();
        let same = match route.access {
            openapi::Access::Anyone | openapi::Access::Signed => ours.who == Who::Anyone,
            openapi::Access::Viewer => matches!(ours.who, Who::Viewer | Who::Account),
            openapi::Access::Moderator => ours.who == Who::Moderator,
            openapi::Access::Owner => ours.who == Who::Owner,
        };
        assert!(
            same,
            "{} {}: {:?} or {:?}",
            route.method.word(),
            route.path,
            route.access,
            ours.who
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_asks_for_its_role_by_http_too() {
    let bench = Bench::new().await;
    let panic = json!({ "do": "panic", "on": true });
    let product = json!({ "do": "product-set", "name": "Cup", "price": "9 €" });
    assert_eq!(bench.nobody().post("/api/act", &panic).await.status, 401);
    let mut viewer = bench.viewer("Mei").await;
    assert_eq!(viewer.post("/api/act", &panic).await.status, 403);
    let mut moderator = bench.staff(Role::Moderator);
    assert_eq!(moderator.post("/api/act", &panic).await.status, 200);
    assert_eq!(moderator.post("/api/act", &product).await.status, 403);
    let mut owner = bench.staff(Role::Owner);
    assert_eq!(owner.post("/api/act", &product).await.status, 200);
    // A session that ended is worth nothing.
    assert_eq!(moderator.post("/logout", &json!({})).await.status, 204);
    assert!(moderator.cookies.is_empty());
    let mut owner_again = owner.clone();
    assert_eq!(
        owner.delete("/api/sessions?account=owner").await.status,
        204
    );
    assert_eq!(owner_again.post("/api/act", &product).await.status, 401);
    assert!(bench.memory.audited("act") >= 1 && bench.memory.audited("logout") == 1);
    bench.end().await;
}
