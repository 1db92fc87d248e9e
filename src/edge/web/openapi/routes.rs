//! The table of routes.

use super::Access::{Moderator, Owner, Signed, Viewer};
use super::Method::{Delete, Get, Post};
use super::{Gives, Route, Takes};

const HTML: Gives = Gives::Media("text/html");
const CSV: Gives = Gives::Media("text/csv");
const LANG: (&str, &str) = ("lang", "`en` or `zh`; else as the browser wants it.");

const fn page(path: &'static str, id: &'static str, summary: &'static str) -> Route {
    Route::new(Get, path, id, "pages", summary)
        .asks(&[LANG])
        .gives(200, HTML)
}

const fn get(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Route {
    Route::new(Get, path, id, tag, summary)
}

const fn post(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Route {
    Route::new(Post, path, id, tag, summary)
}

const fn delete(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Route {
    Route::new(Delete, path, id, tag, summary).gives(204, Gives::Nothing)
}

const fn json(schema: &'static str) -> Gives {
    Gives::Json(schema)
}

/// All but [`METRICS`].
pub const ROUTES: &[Route] = &[
    page("/", "room", "The room: watch and talk."),
    page("/desk", "desk", "The desk of moderators and of the owner.").by(Moderator),
    page("/login", "login-page", "Where the staff log in."),
    page("/report/{show}", "report-page", "The report of a show.").by(Moderator),
    page(
        "/report/{show}.csv",
        "report-csv",
        "The same, for a spreadsheet.",
    )
    .by(Moderator)
    .asks(&[])
    .gives(200, CSV),
    page(
        "/report/{show}.events.csv",
        "report-events",
        "The events behind the numbers of a report.",
    )
    .by(Moderator)
    .asks(&[("kind", "Kinds of event, parted by commas; left out: all.")])
    .gives(200, CSV),
    page(
        "/r/{pin}",
        "follow",
        "To the shop's page of the product that was pinned.",
    )
    .asks(&[])
    .gives(302, Gives::Nothing),
    page(
        "/assets/{file}",
        "asset",
        "Styles, scripts and pictures of the pages.",
    )
    .asks(&[])
    .gives(200, Gives::Media("*/*")),
    post(
        "/api/join",
        "join",
        "room",
        "Come into the room under a name; sets the viewer's cookie.",
    )
    .takes(Takes::Json("Join"))
    .gives(200, json("Joined")),
    get("/api/room", "room-now", "room", "The room as it is.").gives(200, json("Room")),
    get(
        "/api/ws",
        "socket",
        "room",
        "The room, as it changes: docs/room-protocol.md.",
    )
    .by(Viewer)
    .asks(&[("after", "The last line of the chat that is known already.")])
    .gives(101, Gives::Nothing),
    post("/api/act", "act", "room", "Do something in the room.")
        .by(Viewer)
        .takes(Takes::Json("Act"))
        .gives(200, json("Done")),
    post(
        "/chat",
        "chat",
        "room",
        "Say something: for simple clients, which need not have joined.",
    )
    .takes(Takes::Json("ChatLine"))
    .gives(200, json("Done")),
    get("/api/me", "me", "room", "Who the caller is.").gives(200, json("Object")),
    get(
        "/api/me/data",
        "my-data",
        "room",
        "All that the box keeps of the caller.",
    )
    .by(Viewer)
    .gives(200, json("Object")),
    delete("/api/me/data", "erase-my-data", "room", "Erase it.").by(Viewer),
    get(
        "/api/draws/{draw}",
        "draw",
        "room",
        "What anybody needs to recompute a draw.",
    )
    .gives(200, json("Object")),
    get(
        "/watch_live",
        "watch-live",
        "watch",
        "Whether there is a live picture, and its addresses.",
    )
    .gives(200, json("Object")),
    post(
        "/api/whep",
        "whep",
        "watch",
        "Watch by WebRTC (WHEP): an SDP offer, answered by an SDP answer.",
    )
    .takes(Takes::Media("application/sdp"))
    .gives(201, Gives::Media("application/sdp")),
    delete("/api/whep/{id}", "whep-end", "watch", "Watch no longer.").gives(200, Gives::Nothing),
    get(
        "/api/fmp4",
        "fmp4",
        "watch",
        "Watch by fragmented MP4 over a WebSocket.",
    )
    .gives(101, Gives::Nothing),
    get(
        "/api/snapshot.jpg",
        "snapshot",
        "watch",
        "The picture of now.",
    )
    .by(Owner)
    .gives(200, Gives::Media("image/jpeg")),
    post(
        "/register",
        "register",
        "accounts",
        "Make an account of a viewer.",
    )
    .takes(Takes::Json("Credentials"))
    .gives(201, json("Object")),
    post(
        "/login",
        "login",
        "accounts",
        "Log in; sets the session's cookie.",
    )
    .takes(Takes::Json("Credentials"))
    .gives(200, json("Object")),
    post("/logout", "logout", "accounts", "Log out.").gives(204, Gives::Nothing),
    get("/api/accounts", "accounts", "accounts", "All accounts.")
        .by(Owner)
        .gives(200, json("Objects")),
    post(
        "/api/accounts",
        "new-account",
        "accounts",
        "Make an account.",
    )
    .by(Owner)
    .takes(Takes::Json("NewAccount"))
    .gives(201, json("Object")),
    delete(
        "/api/accounts/{name}",
        "remove-account",
        "accounts",
        "Take an account away.",
    )
    .by(Owner),
    post(
        "/api/password",
        "password",
        "accounts",
        "Another password for the caller's own account.",
    )
    .by(Viewer)
    .takes(Takes::Json("NewPassword"))
    .gives(204, Gives::Nothing),
    get(
        "/api/sessions",
        "sessions",
        "accounts",
        "Sessions of the caller's account.",
    )
    .by(Viewer)
    .gives(200, json("Objects")),
    delete(
        "/api/sessions",
        "end-sessions",
        "accounts",
        "End all of them but this one.",
    )
    .by(Viewer),
    get(
        "/api/audit",
        "audit",
        "staff",
        "What the staff did, newest first.",
    )
    .by(Owner)
    .gives(200, json("Objects")),
    post(
        "/api/command",
        "command",
        "staff",
        "Any command to the box: docs/mqtt.",
    )
    .by(Owner)
    .takes(Takes::Json("CommandAsked"))
    .gives(200, json("Object")),
    get(
        "/api/status",
        "status",
        "staff",
        "All that the box says of itself.",
    )
    .by(Owner)
    .gives(200, json("Object")),
    get(
        "/api/schema",
        "schema",
        "staff",
        "JSON Schema of the settings.",
    )
    .by(Owner)
    .gives(200, json("Object")),
    get("/api/log", "log", "staff", "The last lines of the log.")
        .by(Owner)
        .gives(200, json("Objects")),
    get(
        "/api/shows",
        "shows",
        "staff",
        "Shows that are still kept, newest first.",
    )
    .by(Moderator)
    .gives(200, json("Objects")),
    get(
        "/api/report/{show}",
        "report",
        "staff",
        "The report of a show.",
    )
    .by(Moderator)
    .gives(200, json("Report")),
    get(
        "/api/export/{viewer}",
        "export",
        "staff",
        "All that the box keeps of a viewer.",
    )
    .by(Owner)
    .gives(200, json("Object")),
    delete("/api/viewers/{viewer}", "erase", "staff", "Erase it.").by(Owner),
    post(
        "/api/orders",
        "order",
        "shop",
        "An order came in; the same one again changes nothing.",
    )
    .by(Signed)
    .takes(Takes::Json("OrderTold"))
    .gives(200, json("Done")),
    get("/openapi.json", "openapi", "machines", "This document.").gives(200, json("Object")),
];

/// What Prometheus reads, on a listener of its own.
pub const METRICS: Route = get("/metrics", "metrics", "machines", "Figures for Prometheus.")
    .gives(200, Gives::Media("text/plain"));
